// What the tests share: endpoints with an owner, connections, and rows whose bytes tell where they come from.
#ifndef M2N_TESTS_SUPPORT_H
#define M2N_TESTS_SUPPORT_H

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "m2n/m2n.h"

namespace m2n::test {

struct Sizes {
  uint32_t slots = 2;
  uint32_t max_rows = 16;
  uint32_t max_pairs = 48;
  uint32_t max_groups = 8;
  uint32_t row_bytes = 64;
  uint32_t result_bytes = 128;
};

struct CloseEndpoint {
  void operator()(m2n_endpoint* endpoint) const { m2n_endpoint_close(endpoint); }
};
using Handle = std::unique_ptr<m2n_endpoint, CloseEndpoint>;

m2n_config config_of(m2n_transport transport, m2n_role role, uint32_t rank, const Sizes& sizes = {});
Handle open(const m2n_config& config);
Handle open(m2n_transport transport, m2n_role role, uint32_t rank, const Sizes& sizes = {});
std::vector<uint8_t> address_of(m2n_endpoint* endpoint);

// Connects while the receiver accepts on this thread.
m2n_status connect(m2n_endpoint* sender, uint32_t peer, m2n_endpoint* receiver);

constexpr uint32_t kTags = 4;
constexpr m2n_gather kGather{kTags, 0, 1u << 20, 0};
constexpr uint64_t kLongUs = 20'000'000;  // a deadline no correct test meets

m2n_message message_of(uint32_t tag, uint64_t deadline_us = kLongUs, uint64_t version = 0, uint64_t epoch = 0);

// A piece as a test makes it.
struct Piece {
  uint32_t rows = 0;
  std::vector<m2n_group> groups;
  std::vector<uint32_t> row_of_pair;
  uint32_t pairs() const { return static_cast<uint32_t>(row_of_pair.size()); }
};
Piece random_piece(std::mt19937_64& random, const Sizes& sizes);
Piece small_piece();

// Rows start with (seed, row) and are filled with a pattern of both.
void fill_row(void* row, uint32_t bytes, uint64_t seed, uint32_t row_index);
bool is_row(const void* row, uint32_t bytes, uint64_t seed, uint32_t row_index);
// What a receiver makes of a pair: a pattern of the row's first bytes, the key and its own rank.
void fill_result(void* result, uint32_t bytes, const void* row, uint32_t key, uint32_t receiver);
bool is_result(const void* result, uint32_t bytes, uint64_t seed, uint32_t row_index, uint32_t key, uint32_t receiver);

// Opens the slot's piece and writes it in place.
m2n_status write_piece(m2n_endpoint* sender, uint32_t slot, uint32_t peer, const Piece& piece, uint64_t seed,
                       const Sizes& sizes);
// Computes every piece of a batch; false if a row's index does not match its place.
bool compute(const m2n_batch& batch, uint32_t receiver, const Sizes& sizes);
// Whether a result that ended M2N_OK has the right rows.
bool check_result(const m2n_result& result, const Piece& piece, uint64_t seed, const Sizes& sizes);

// `quick` normally, `thorough` with MEGAINFER_TEST_LONG=1.
uint64_t amount(uint64_t quick, uint64_t thorough);
bool is_sanitized();

// Whether endpoints of this transport can be opened here; if not, m2n_last_error says why.
bool is_available(m2n_transport transport);
std::string name_of(m2n_transport transport);

}  // namespace m2n::test

#endif

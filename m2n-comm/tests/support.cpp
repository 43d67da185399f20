#include "support.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

namespace m2n::test {

m2n_config config_of(m2n_transport transport, m2n_role role, uint32_t rank, const Sizes& sizes) {
  m2n_config config{};
  config.struct_bytes = sizeof config;
  config.transport = transport;
  config.role = role;
  config.rank = rank;
  config.max_peers = 8;
  config.slots = sizes.slots;
  config.max_rows = sizes.max_rows;
  config.max_pairs = sizes.max_pairs;
  config.max_groups = sizes.max_groups;
  config.row_bytes = sizes.row_bytes;
  config.result_bytes = sizes.result_bytes;
  std::memcpy(config.secret, "0123456789abcdef", M2N_SECRET_BYTES);
  std::memcpy(config.interface_name, "lo", 3);
  return config;
}

Handle open(const m2n_config& config) {
  m2n_endpoint* endpoint = nullptr;
  if (m2n_endpoint_open(&config, &endpoint) != M2N_OK) {
    std::fprintf(stderr, "%s\n", m2n_last_error());
    std::abort();
  }
  return Handle(endpoint);
}

Handle open(m2n_transport transport, m2n_role role, uint32_t rank, const Sizes& sizes) {
  return open(config_of(transport, role, rank, sizes));
}

std::vector<uint8_t> address_of(m2n_endpoint* endpoint) {
  std::vector<uint8_t> address(M2N_ADDRESS_BYTES);
  uint32_t length = 0;
  if (m2n_endpoint_address(endpoint, address.data(), M2N_ADDRESS_BYTES, &length) != M2N_OK) std::abort();
  address.resize(length);
  return address;
}

m2n_status connect(m2n_endpoint* sender, uint32_t peer, m2n_endpoint* receiver) {
  const std::vector<uint8_t> address = address_of(receiver);
  std::atomic<bool> done = false;
  m2n_status status = M2N_INTERNAL;
  std::thread connecting([&] {
    status = m2n_connect(sender, peer, address.data(), static_cast<uint32_t>(address.size()), 10'000'000);
    done = true;
    m2n_wake(receiver);
  });
  // Small waits. What is under way comes from a sender that has left.
  m2n_batch batch;
  while (!done)
    if (m2n_receive(receiver, &kGather, 1000, &batch) == M2N_OK) m2n_return(receiver, &batch, M2N_INTERNAL, 0);
  connecting.join();
  m2n_receive(receiver, &kGather, 0, &batch);  // takes the wake-up, if it is still there
  return status;
}

m2n_message message_of(uint32_t tag, uint64_t deadline_us, uint64_t version, uint64_t epoch) {
  return {tag, 0, version, epoch, deadline_us};
}

Piece random_piece(std::mt19937_64& random, const Sizes& sizes) {
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  Piece piece;
  if (below(8) == 0) return piece;  // zero rows are legal
  piece.rows = 1 + below(sizes.max_rows);
  const uint32_t groups = 1 + below(sizes.max_groups);
  uint32_t key = below(3);
  for (uint32_t i = 0; i < groups && piece.pairs() < sizes.max_pairs; ++i) {
    // Skewed: one group in four takes most of what is left.
    const uint32_t room = sizes.max_pairs - piece.pairs();
    const uint32_t pairs = below(4) == 0 ? room - below(room) : 1 + below(std::min(room, 4u));
    piece.groups.push_back({key, pairs});
    for (uint32_t pair = 0; pair < pairs; ++pair) piece.row_of_pair.push_back(below(piece.rows));
    key += 1 + below(5);
  }
  return piece;
}

Piece small_piece() { return {2, {{1, 2}, {5, 1}}, {0, 1, 1}}; }

namespace {

uint8_t pattern(uint64_t seed, uint64_t a, uint64_t i) {
  return static_cast<uint8_t>((seed * 2654435761u + a * 40503u + i * 7u) >> 3);
}

struct RowHead {
  uint64_t seed;
  uint32_t row;
};

}  // namespace

void fill_row(void* row, uint32_t bytes, uint64_t seed, uint32_t row_index) {
  auto* out = static_cast<uint8_t*>(row);
  for (uint32_t i = 0; i < bytes; ++i) out[i] = pattern(seed, row_index, i);
  const RowHead head{seed, row_index};
  std::memcpy(out, &head, 12);
}

bool is_row(const void* row, uint32_t bytes, uint64_t seed, uint32_t row_index) {
  std::vector<uint8_t> expected(bytes);
  fill_row(expected.data(), bytes, seed, row_index);
  return std::memcmp(row, expected.data(), bytes) == 0;
}

void fill_result(void* result, uint32_t bytes, const void* row, uint32_t key, uint32_t receiver) {
  RowHead head{};
  std::memcpy(&head, row, 12);
  auto* out = static_cast<uint8_t*>(result);
  for (uint32_t i = 0; i < bytes; ++i) out[i] = pattern(head.seed + key, head.row + 1000u * receiver, i);
}

bool is_result(const void* result, uint32_t bytes, uint64_t seed, uint32_t row_index, uint32_t key, uint32_t receiver) {
  std::vector<uint8_t> row(16), expected(bytes);
  fill_row(row.data(), 16, seed, row_index);
  fill_result(expected.data(), bytes, row.data(), key, receiver);
  return std::memcmp(result, expected.data(), bytes) == 0;
}

m2n_status write_piece(m2n_endpoint* sender, uint32_t slot, uint32_t peer, const Piece& piece, uint64_t seed,
                       const Sizes& sizes) {
  m2n_slot_view view;
  const m2n_status status =
      m2n_slot_open(sender, slot, peer, piece.rows, piece.pairs(), static_cast<uint32_t>(piece.groups.size()), &view);
  if (status != M2N_OK) return status;
  for (uint32_t row = 0; row < piece.rows; ++row)
    fill_row(static_cast<std::byte*>(view.rows) + row * sizes.row_bytes, sizes.row_bytes, seed, row);
  std::copy(piece.groups.begin(), piece.groups.end(), view.groups);
  std::copy(piece.row_of_pair.begin(), piece.row_of_pair.end(), view.row_of_pair);
  return M2N_OK;
}

bool compute(const m2n_batch& batch, uint32_t receiver, const Sizes& sizes) {
  for (uint32_t i = 0; i < batch.count; ++i) {
    const m2n_piece& piece = batch.pieces[i];
    uint32_t pair = 0;
    for (uint32_t group = 0; group < piece.groups_count; ++group) {
      for (uint32_t k = 0; k < piece.groups[group].pairs; ++k, ++pair) {
        const uint32_t row_index = piece.row_of_pair[pair];
        const auto* row = static_cast<const std::byte*>(piece.rows) + row_index * sizes.row_bytes;
        RowHead head{};
        std::memcpy(&head, row, 12);
        if (head.row != row_index || !is_row(row, sizes.row_bytes, head.seed, head.row)) return false;
        fill_result(static_cast<std::byte*>(piece.results) + pair * sizes.result_bytes, sizes.result_bytes, row,
                    piece.groups[group].key, receiver);
      }
    }
  }
  return true;
}

bool check_result(const m2n_result& result, const Piece& piece, uint64_t seed, const Sizes& sizes) {
  if (result.status != M2N_OK || result.pairs != piece.pairs()) return false;
  uint32_t pair = 0;
  for (const m2n_group& group : piece.groups)
    for (uint32_t k = 0; k < group.pairs; ++k, ++pair)
      if (!is_result(static_cast<const std::byte*>(result.rows) + pair * sizes.result_bytes, sizes.result_bytes, seed,
                     piece.row_of_pair[pair], group.key, result.peer))
        return false;
  return true;
}

uint64_t amount(uint64_t quick, uint64_t thorough) {
  const char* is_long = std::getenv("MEGAINFER_TEST_LONG");
  return is_long != nullptr && std::strcmp(is_long, "1") == 0 ? thorough : quick;
}

bool is_available(m2n_transport transport) {
  m2n_capabilities capabilities{};
  return m2n_transport_capabilities(transport, &capabilities) == M2N_OK && capabilities.available != 0;
}

std::string name_of(m2n_transport transport) {
  m2n_capabilities capabilities{};
  m2n_transport_capabilities(transport, &capabilities);
  return capabilities.name;
}

bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

}  // namespace m2n::test

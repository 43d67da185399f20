// The layout of a pair's region. Everything here is seen by two processes, so every offset is fixed and asserted.
//
//   PairHeader | slot 0 | slot 1 | ...
//   slot:  DispatchHeader | groups | row_of_pair | rows   (the sender writes)
//          ResultHeader | results                         (the receiver writes)
//
// With m2n_config.row_memory, rows and results of all slots lie in that instead, and the region has the rest.
//
// Each side keeps its own count of what it has published and seen; nothing it needs to trust is read back from here.
#ifndef M2N_SRC_SLOT_H
#define M2N_SRC_SLOT_H

#include <cstddef>
#include <cstdint>

#include "m2n/m2n.h"
#include "transport.h"

namespace m2n {

constexpr uint32_t kMaxSlots = 16;
constexpr uint32_t kMaxPeers = 256;
constexpr uint64_t kLine = 64;  // bytes of a cache line
constexpr uint64_t kPage = 4096;
constexpr uint64_t kChunkBytes = 32768;  // rows are published in chunks of this: the reader works while the writer does
constexpr uint32_t kMaxChunks = 1024;    // of one message
constexpr uint64_t kPairMagic = 0x313152494150324dull;  // "M2PAIR11"

// What both sides of a pair must agree on.
struct PairSizes {
  uint32_t slots;
  uint32_t max_rows;
  uint32_t max_pairs;
  uint32_t max_groups;
  uint32_t row_bytes;
  uint32_t result_bytes;
  bool operator==(const PairSizes&) const = default;
};
static_assert(sizeof(PairSizes) == 24);

// The life of one side's end of a pair, written by that side only.
enum EndState : uint32_t { kConnecting = 0, kConnected = 1, kClosed = 2 };

// What one side publishes; on cache lines of its own. `arrived` counts as arrival.h says, one counter per slot.
struct alignas(kLine) PairEnd {
  uint32_t state;
  uint32_t reserved[15];
  uint64_t arrived[kMaxSlots];
};
static_assert(sizeof(PairEnd) == 192 && offsetof(PairEnd, arrived) == 64);

struct alignas(kLine) PairHeader {
  RegionHeader region;
  uint32_t abi;
  uint32_t reserved0;
  PairSizes sizes;
  PairEnd sender;
  PairEnd receiver;
};
static_assert(offsetof(PairHeader, sizes) == 40 && offsetof(PairHeader, sender) == 64);
static_assert(offsetof(PairHeader, receiver) == 256 && sizeof(PairHeader) == 448);

struct alignas(kLine) DispatchHeader {
  uint64_t sequence;  // counts this pair's messages in this slot, from 1
  uint64_t version;
  uint64_t epoch;
  uint32_t tag;
  uint32_t rows;
  uint32_t pairs;
  uint32_t groups;
  uint32_t chunks;  // pieces of the message, the header included
  uint32_t reserved[5];
};
static_assert(sizeof(DispatchHeader) == 64 && offsetof(DispatchHeader, tag) == 24 &&
              offsetof(DispatchHeader, chunks) == 40);

struct alignas(kLine) ResultHeader {
  uint64_t sequence;  // of the message it answers
  uint64_t hold_ns;
  uint64_t compute_ns;
  int32_t status;
  uint32_t pairs;
  uint32_t chunks;
  uint32_t reserved[7];
};
static_assert(sizeof(ResultHeader) == 64 && offsetof(ResultHeader, status) == 24 &&
              offsetof(ResultHeader, chunks) == 32);
static_assert(sizeof(m2n_group) == 8);

// Where the parts of a slot lie, from the sizes alone.
struct PairLayout {
  uint64_t groups;
  uint64_t row_of_pair;
  uint64_t rows;
  uint64_t result_header;
  uint64_t results;
  uint64_t slot_bytes;
  uint64_t region_bytes;
  uint64_t row_slot_bytes;    // from one slot's rows to the next's, where they lie elsewhere
  uint64_t row_memory_bytes;  // 0: rows and results lie in the region
  uint32_t rows_per_chunk;
  uint32_t results_per_chunk;

  static constexpr PairLayout of(const PairSizes& sizes, bool rows_elsewhere = false) {
    PairLayout layout{};
    const uint64_t all_rows = uint64_t{sizes.max_rows} * sizes.row_bytes;
    const uint64_t all_results = uint64_t{sizes.max_pairs} * sizes.result_bytes;
    layout.groups = sizeof(DispatchHeader);
    layout.row_of_pair = line_after(layout.groups + uint64_t{sizes.max_groups} * sizeof(m2n_group));
    layout.rows = line_after(layout.row_of_pair + uint64_t{sizes.max_pairs} * sizeof(uint32_t));
    layout.result_header = line_after(layout.rows + (rows_elsewhere ? 0 : all_rows));
    layout.results = layout.result_header + sizeof(ResultHeader);
    layout.slot_bytes = line_after(layout.results + (rows_elsewhere ? 0 : all_results));
    if (rows_elsewhere) {
      layout.rows = 0;
      layout.results = line_after(all_rows);
      layout.row_slot_bytes = line_after(layout.results + all_results);
      layout.row_memory_bytes = layout.row_slot_bytes * sizes.slots;
    }
    layout.region_bytes = (sizeof(PairHeader) + layout.slot_bytes * sizes.slots + kPage - 1) / kPage * kPage;
    layout.rows_per_chunk = per_chunk(sizes.max_rows, sizes.row_bytes);
    layout.results_per_chunk = per_chunk(sizes.max_pairs, sizes.result_bytes);
    return layout;
  }

  // Chunks of a message of so many rows: the header with the index arrays, then the rows; at least one chunk of rows,
  // even if it is empty.
  static constexpr uint32_t chunks(uint32_t rows, uint32_t rows_per_chunk) {
    return rows == 0 ? 2 : 1 + (rows + rows_per_chunk - 1) / rows_per_chunk;
  }
  uint32_t dispatch_chunks(uint32_t rows) const { return chunks(rows, rows_per_chunk); }
  uint32_t result_chunks(uint32_t pairs) const { return chunks(pairs, results_per_chunk); }

 private:
  static constexpr uint32_t per_chunk(uint32_t most_rows, uint32_t bytes) {
    const uint64_t by_size = kChunkBytes / bytes, by_count = (most_rows + kMaxChunks - 3) / (kMaxChunks - 2);
    return static_cast<uint32_t>(by_size > by_count ? by_size : (by_count > 0 ? by_count : 1));
  }
  static constexpr uint64_t line_after(uint64_t offset) { return (offset + kLine - 1) / kLine * kLine; }
};

// Addresses inside one mapped pair region, and inside its row memory where it has one.
class PairView {
 public:
  PairView() = default;
  PairView(std::byte* base, std::byte* row_memory, const PairLayout& layout)
      : base_(base), row_memory_(row_memory), layout_(&layout) {}

  PairHeader& header() const { return *reinterpret_cast<PairHeader*>(base_); }
  DispatchHeader* dispatch(uint32_t slot) const { return reinterpret_cast<DispatchHeader*>(at(slot)); }
  m2n_group* groups(uint32_t slot) const { return reinterpret_cast<m2n_group*>(at(slot) + layout_->groups); }
  uint32_t* row_of_pair(uint32_t slot) const { return reinterpret_cast<uint32_t*>(at(slot) + layout_->row_of_pair); }
  std::byte* rows(uint32_t slot) const { return rows_at(slot) + layout_->rows; }
  ResultHeader* result(uint32_t slot) const {
    return reinterpret_cast<ResultHeader*>(at(slot) + layout_->result_header);
  }
  std::byte* results(uint32_t slot) const { return rows_at(slot) + layout_->results; }

 private:
  std::byte* at(uint32_t slot) const { return base_ + sizeof(PairHeader) + slot * layout_->slot_bytes; }
  std::byte* rows_at(uint32_t slot) const {
    return row_memory_ == nullptr ? at(slot) : row_memory_ + slot * layout_->row_slot_bytes;
  }

  std::byte* base_ = nullptr;
  std::byte* row_memory_ = nullptr;
  const PairLayout* layout_ = nullptr;
};

}  // namespace m2n

#endif

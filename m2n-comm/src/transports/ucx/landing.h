// Puts arriving chunks into the mirror of a pair and counts them, after checking every number in their headers. Chunks
// may arrive in any order: what is counted is the unbroken run from the first, so that a reader of early rows relies on
// the count alone.
#ifndef M2N_SRC_TRANSPORTS_UCX_LANDING_H
#define M2N_SRC_TRANSPORTS_UCX_LANDING_H

#include <array>
#include <bitset>
#include <cstdint>

#include "slot.h"
#include "transports/ucx/wire.h"

namespace m2n {

class Landing {
 public:
  // `kind` is what arrives at this end: dispatches at a receiver, results at a sender.
  Landing(WireKind kind, const PairView& view, const PairSizes& sizes, const PairLayout& layout)
      : kind_(kind), view_(view), sizes_(sizes), layout_(layout) {}

  // NULL once the chunks are in place and counted; else what is wrong with them, and nothing was written.
  const char* land(const WireHeader& header, const void* data, uint64_t bytes);

  // Bytes that follow a header; for writers and checkers alike. The header must have passed check().
  uint64_t bytes_of(const WireHeader& header) const;
  uint64_t rows_from(const WireHeader& header) const;  // first row of these chunks
  uint64_t rows_to(const WireHeader& header) const;

 private:
  struct Slot {
    std::bitset<kMaxChunks> here;
    uint32_t chunks = 0;  // of the message under way; 0: none is
    uint32_t run = 0;     // chunks from the first on without a gap
    uint64_t counter = 0;
  };

  const char* check(const WireHeader& header) const;
  void copy(const WireHeader& header, const std::byte* data);
  void count(Slot& slot, const WireHeader& header);
  bool is_dispatch() const { return kind_ == WireKind::kDispatch; }

  WireKind kind_;
  PairView view_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  std::array<Slot, kMaxSlots> slots_;
};

}  // namespace m2n

#endif

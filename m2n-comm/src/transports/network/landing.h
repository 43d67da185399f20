// Puts arriving chunks into the mirror of a pair and counts them, after checking every number in their headers. Chunks
// may arrive in any order: what is counted is the unbroken run from the first, so that a reader of early rows relies on
// the count alone.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_LANDING_H
#define M2N_SRC_TRANSPORTS_NETWORK_LANDING_H

#include <array>
#include <bitset>
#include <cstdint>

#include "slot.h"
#include "transports/network/message.h"

namespace m2n {

class Landing {
 public:
  // `kind` is what arrives at this end: dispatches at a receiver, results at a sender.
  Landing(WireKind kind, const PairView& view, const PairSizes& sizes, const PairLayout& layout)
      : shape_(kind, sizes, layout), view_(view), sizes_(sizes) {}

  // Chunks that have come whole. NULL once they are in place and counted; else what is wrong with them, and nothing was
  // written.
  const char* land(const WireHeader& header, const void* data, uint64_t bytes);

  // The same in steps, for who reads straight into place: NULL if such chunks may come now; where they go; and that the
  // next `count` chunks from `first` on are there, all of a header that was checked.
  const char* check(const WireHeader& header) const;
  uint32_t places(const WireHeader& header, iovec* parts) const { return shape_.parts_of(header, view_, parts); }
  void count(const WireHeader& header, uint32_t first, uint32_t count);

  const MessageShape& shape() const { return shape_; }

 private:
  struct Slot {
    std::bitset<kMaxChunks> here;
    uint32_t chunks = 0;  // of the message under way; 0: none is
    uint32_t run = 0;     // chunks from the first on without a gap
    uint64_t counter = 0;
  };

  MessageShape shape_;
  PairView view_;
  const PairSizes& sizes_;
  std::array<Slot, kMaxSlots> slots_;
};

}  // namespace m2n

#endif

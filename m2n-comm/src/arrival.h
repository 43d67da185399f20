// Counted completion. A message is a number of pieces: its header and chunks of rows; the writer adds to the slot's
// counter after each piece, or once for several. The reader never assumes that one write arrives before another: a
// message is there when as many pieces have been counted as its header says, in whatever order.
//
// The counter's upper half counts headers, its lower half all pieces (headers included), both for the pair's whole
// life, so nothing is ever reset and an old message cannot complete a new one.
#ifndef M2N_SRC_ARRIVAL_H
#define M2N_SRC_ARRIVAL_H

#include <cstdint>

#include "slot.h"

namespace m2n {

// What a counter says next to what was seen of it.
class Arrival {
 public:
  // `seen` is the counter after the last whole message, `counter` what is read now.
  constexpr Arrival(uint64_t seen, uint64_t counter)
      : headers_(static_cast<uint32_t>(counter >> 32) - static_cast<uint32_t>(seen >> 32)),
        pieces_(static_cast<uint32_t>(counter) - static_cast<uint32_t>(seen)) {}

  // Nothing of this kind comes from a correct peer: a slot holds one message at a time.
  constexpr bool is_absurd() const { return headers_ > 1 || pieces_ > kMaxChunks || (headers_ == 1 && pieces_ == 0); }
  constexpr bool has_header() const { return headers_ == 1; }
  constexpr bool is_whole(uint32_t chunks) const { return has_header() && pieces_ == chunks; }
  constexpr bool is_too_much(uint32_t chunks) const { return has_header() && pieces_ > chunks; }

  // The counter after a message of `chunks` pieces. The halves do not carry into one another.
  static constexpr uint64_t after(uint64_t seen, uint32_t chunks) {
    const uint64_t headers = static_cast<uint32_t>((seen >> 32) + 1);
    return headers << 32 | static_cast<uint32_t>(static_cast<uint32_t>(seen) + chunks);
  }

  // The counter after `chunks` more pieces of the same message.
  static constexpr uint64_t plus(uint64_t counter, uint32_t chunks) {
    return (counter & ~uint64_t{0xffffffffu}) | static_cast<uint32_t>(static_cast<uint32_t>(counter) + chunks);
  }
  // Pieces counted so far, the header among them; meaningful where the header is there.
  constexpr uint32_t pieces() const { return pieces_; }

 private:
  uint32_t headers_;
  uint32_t pieces_;
};

}  // namespace m2n

#endif

// What a stream of bytes from a peer becomes: headers, each checked before a byte after it goes anywhere, and rows, read
// straight into their place in the mirror. Knows no socket, so that tests can feed it anything.
#ifndef M2N_SRC_TRANSPORTS_TCP_INTAKE_H
#define M2N_SRC_TRANSPORTS_TCP_INTAKE_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "transports/network/landing.h"

namespace m2n {

class Intake {
 public:
  static constexpr uint32_t kMostRooms = kMostParts + 1;

  explicit Intake(Landing& landing) : landing_(landing) {}

  // Where the next bytes of the stream go, in this order; how many places that is, and all of their bytes.
  uint32_t room(iovec* places, uint64_t* bytes);
  // So many bytes have come there. NULL, or what is wrong with them: then the stream means nothing any more.
  const char* arrived(uint64_t bytes);

 private:
  // Headers, and what comes with them in one read: small messages are copied from here, since a second read costs more.
  static constexpr uint32_t kAheadBytes = 8192;

  uint64_t left() const { return total_ - got_; }
  const char* open_next();
  void take_ahead();
  void advance(uint64_t bytes);

  Landing& landing_;
  WireHeader header_{};
  MessageParts parts_{};
  uint32_t part_ = 0, parts_count_ = 0;
  uint64_t got_ = 0, total_ = 0;         // bytes after the header
  uint32_t counted_ = 0, expected_ = 0;  // chunks of this header
  std::array<std::byte, kAheadBytes> ahead_;
  uint32_t ahead_from_ = 0, ahead_to_ = 0;
};

}  // namespace m2n

#endif

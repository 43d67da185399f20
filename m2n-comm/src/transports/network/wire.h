// What two hosts say to each other: the header of rows under way, and the frames by which a pair comes to be. Peers may
// send anything; landing.h and control.h check it.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_WIRE_H
#define M2N_SRC_TRANSPORTS_NETWORK_WIRE_H

#include <cstdint>

#include "m2n/m2n.h"
#include "slot.h"

namespace m2n {

enum class WireKind : uint32_t { kHello = 1, kDispatch = 2, kResult = 3 };

// Chunks [first, first + count) of a message of `chunks`. Chunk 0 is the message's header, with a dispatch's groups and
// row_of_pair; the others are rows.
struct WireHeader {
  uint32_t kind;  // WireKind
  uint32_t slot;
  uint32_t rows;  // rows of a dispatch, pairs of a result
  uint32_t pairs;
  uint32_t groups;
  uint32_t chunks;
  uint32_t first;
  uint32_t count;
};
static_assert(sizeof(WireHeader) == 32);

enum class FrameType : uint32_t { kJoin = 1, kAnswer = 2, kGoodbye = 3 };
constexpr uint64_t kFrameMagic = 0x3330454d4152464dull;  // "MFRAME03"
constexpr uint32_t kMaxFrameBytes = 16384;

struct FrameHeader {
  uint64_t magic;
  uint32_t type;
  uint32_t bytes;  // that follow
};
static_assert(sizeof(FrameHeader) == 16);

// Sender to receiver, followed by what the transport needs to know of the sender.
struct JoinFrame {
  uint8_t secret[M2N_SECRET_BYTES];
  uint32_t abi;
  uint32_t rank;
  PairSizes sizes;
  uint64_t place;  // NetworkPlace::nonce of who is meant
  int32_t transport;
  uint32_t reserved;
};
static_assert(sizeof(JoinFrame) == 64);

// The receiver's answer, followed by what the transport needs to know of the receiver if it is yes.
struct AnswerFrame {
  int32_t status;
  uint32_t refusal;
};
static_assert(sizeof(AnswerFrame) == 8);

// The last frame of a side that leaves, where rows travel beside the control connection. What it has sent before is
// still to be read.
struct GoodbyeFrame {
  uint64_t messages;
};

}  // namespace m2n

#endif

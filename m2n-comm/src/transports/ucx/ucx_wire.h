// What UCX's side of a pair says beyond transports/network/wire.h: whom an active message is for, and where a worker is.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_WIRE_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_WIRE_H

#include <cstdint>

#include "transports/network/wire.h"

namespace m2n {

constexpr uint32_t kMaxWorkerBytes = 12288;

// How one side names its end of a pair: where to find it, and a random number, since the place is used again.
struct LinkName {
  uint32_t index;
  uint32_t reserved;
  uint64_t nonce;
};
static_assert(sizeof(LinkName) == 16);

// The header of every active message.
struct UcxHeader {
  LinkName to;
  WireHeader wire;
};
static_assert(sizeof(UcxHeader) == 48);

// What follows a JoinFrame and an AnswerFrame; the address of the worker follows it.
struct UcxPlace {
  LinkName link;
  uint32_t worker_bytes;
  uint32_t reserved;
};
static_assert(sizeof(UcxPlace) == 24);

}  // namespace m2n

#endif

// How a sender calls at a receiver over a network: it connects, says its join and reads the answer, all within a time.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_CALLING_H
#define M2N_SRC_TRANSPORTS_NETWORK_CALLING_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "transports/network/control.h"
#include "transports/network/place.h"

namespace m2n {

struct Call {
  uint32_t peer;  // as the caller knows it, for sentences
  uint64_t until_ns;
  std::function<void()> meanwhile;  // called at least every millisecond
};

JoinFrame join_of(int32_t transport, const m2n_config& config, const PairSizes& sizes, const NetworkPlace& place);

// Each throws Failure with what m2n_connect returns.
Control reach_place(const Call& call, const NetworkPlace& from, const NetworkPlace& to, Traffic traffic);
void say_join(const Call& call, Control& control, const JoinFrame& join, std::span<const std::byte> tail = {});
// What a yes was followed by; a no is a Failure.
std::vector<std::byte> await_answer(const Call& call, Control& control);

}  // namespace m2n

#endif

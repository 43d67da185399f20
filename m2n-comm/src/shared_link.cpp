#include "shared_link.h"

#include "shared_memory.h"

namespace m2n {

void SharedLink::publish_dispatch(const Publication& publication) {
  publish(header().sender.arrived[publication.slot], publication.counter);
}

void SharedLink::publish_result(const Publication& publication) {
  publish(header().receiver.arrived[publication.slot], publication.counter);
}

void SharedLink::leave() {
  PairEnd& own = side_ == kSenderSide ? header().sender : header().receiver;
  store(own.state, static_cast<uint32_t>(kClosed));
  ring();
}

}  // namespace m2n

#include "shared_station.h"

#include <algorithm>
#include <cstring>

#include "failure.h"
#include "shared_memory.h"
#include "transports/shm/row_door.h"

namespace m2n {
namespace {

constexpr uint64_t kConnectSliceNs = 1'000'000;

}  // namespace

std::unique_ptr<Link> SharedStation::connect(uint32_t peer, const Address& address, uint64_t until_ns) {
  std::unique_ptr<SharedLink> link = make_link(address);
  ConnectRequest request{M2N_ABI_VERSION, config_.rank, sizes_, {}, link->region().name(), doorbell_region_.name()};
  std::memcpy(request.secret, config_.secret, sizeof request.secret);
  ConnectClaim claim(link->peer_bell().shared().table);
  try {
    await_answer(peer, claim, request, *link, until_ns);
  } catch (const Failure&) {
    link->leave();
    throw;
  }
  link->region().unname();
  return link;
}

std::unique_ptr<SharedLink> SharedStation::make_link(const Address& address) const {
  auto watch = memory_.watch(address.doorbell);
  auto peer = std::make_unique<PeerDoorbell>(memory_, address.doorbell);
  auto region = memory_.create(kPairMagic, layout_.region_bytes, layout_.row_memory_bytes);
  if (memory_.hands_over_rows())
    RowDoor::hand_over(address.doorbell, region->name().nonce, memory_.share_rows(*region));
  PairHeader& header = *reinterpret_cast<PairHeader*>(region->base());
  header.abi = M2N_ABI_VERSION;
  header.sizes = sizes_;
  store(header.sender.state, static_cast<uint32_t>(kConnected));
  return std::make_unique<SharedLink>(SharedLink::kSenderSide, kind_, std::move(region), std::move(peer),
                                      std::move(watch));
}

void SharedStation::await_answer(uint32_t peer, ConnectClaim& claim, const ConnectRequest& request, SharedLink& link,
                                 uint64_t until_ns) {
  ConnectAnswer answer{};
  bool announced = false;
  const auto is_gone = [&] { return load(link.peer_bell().shared().state) == kClosed || !link.alive(); };
  for (;;) {
    if (!announced && claim.take()) {
      claim.announce(request);
      link.ring();
      announced = true;
    }
    // A wake-up is kept for the next data-path wait: an answer under way is worth more. The receiver rings when it has
    // answered, unless it refuses.
    const uint64_t slice_until_ns = std::min(until_ns, now_ns() + kConnectSliceNs);
    waiter_.wait_through(slice_until_ns, [&] { return announced && claim.has_answer(&answer) ? 0 : kNever; });
    if (announced && claim.has_answer(&answer)) break;
    if (is_gone()) throw Failure(M2N_PEER_LOST, sentence("receiver %u has ended before it answered", peer));
    if (now_ns() < until_ns) continue;
    if (!announced) throw Failure(M2N_REFUSED, sentence("receiver %u has too many connections under way", peer));
    if (claim.withdraw())
      throw Failure(M2N_TIMEOUT, sentence("receiver %u did not answer in time: it is not receiving", peer));
  }
  if (answer.status != M2N_OK)
    throw Failure(M2N_REFUSED, sentence("receiver %u refused: %s", peer, refusal_sentence(answer.refusal)));
}

}  // namespace m2n

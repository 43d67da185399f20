// Meeting through shared memory: a sender asks in the receiver's doorbell region, and brings the pair's region.
#ifndef M2N_SRC_SHARED_STATION_H
#define M2N_SRC_SHARED_STATION_H

#include <memory>

#include "acceptor.h"
#include "shared_link.h"
#include "station.h"
#include "waiter.h"

namespace m2n {

class SharedStation final : public Station {
 public:
  // `transport` is config.transport, or what an endpoint of several uses on its own host. All references outlive this.
  SharedStation(int32_t transport, const m2n_config& config, const PairSizes& sizes, const PairLayout& layout,
                const Transport& memory, Region& doorbell_region, const Doorbell& own, Waiter& waiter)
      : kind_(transport),
        config_(config),
        sizes_(sizes),
        layout_(layout),
        memory_(memory),
        doorbell_region_(doorbell_region),
        waiter_(waiter),
        acceptor_(config, sizes, layout, memory, own) {}

  void describe(Address& address) const override { address.doorbell = doorbell_region_.name(); }
  std::unique_ptr<Link> connect(uint32_t peer, const Address& address, uint64_t until_ns) override;
  bool has_news() const override { return acceptor_.has_news(); }
  void accept(const HasRoom& has_room, const Add& add) override { acceptor_.accept(has_room, add); }
  void keep_house(uint64_t now) override { acceptor_.reclaim(now); }
  void progress() override {}

 private:
  std::unique_ptr<SharedLink> make_link(const Address& address) const;
  void await_answer(uint32_t peer, ConnectClaim& claim, const ConnectRequest& request, SharedLink& link,
                    uint64_t until_ns);

  int32_t kind_;
  const m2n_config& config_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  const Transport& memory_;
  Region& doorbell_region_;
  Waiter& waiter_;
  Acceptor acceptor_;
};

}  // namespace m2n

#endif

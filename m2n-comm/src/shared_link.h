// A pair whose region both sides map: what is written there is there, and publishing is one store.
#ifndef M2N_SRC_SHARED_LINK_H
#define M2N_SRC_SHARED_LINK_H

#include <memory>

#include "doorbell.h"
#include "link.h"
#include "transport.h"

namespace m2n {

class SharedLink final : public Link {
 public:
  enum Side { kSenderSide, kReceiverSide };

  SharedLink(Side side, int32_t transport, std::unique_ptr<Region> region, std::unique_ptr<PeerDoorbell> peer,
             std::unique_ptr<PeerWatch> watch)
      : side_(side),
        transport_(transport),
        region_(std::move(region)),
        peer_(std::move(peer)),
        watch_(std::move(watch)) {}

  int32_t transport() const override { return transport_; }
  std::byte* base() const override { return region_->base(); }
  std::byte* row_memory() const override { return region_->row_memory(); }
  void publish_dispatch(const Publication& publication) override;
  void publish_result(const Publication& publication) override;
  void ring() override { peer_->bell().ring(); }
  void leave() override;
  bool alive() override { return watch_->alive(); }
  bool is_sending(uint32_t) const override { return false; }

  Region& region() { return *region_; }
  Doorbell& peer_bell() { return peer_->bell(); }

 private:
  PairHeader& header() const { return *reinterpret_cast<PairHeader*>(region_->base()); }

  Side side_;
  int32_t transport_;
  std::unique_ptr<Region> region_;
  std::unique_ptr<PeerDoorbell> peer_;
  std::unique_ptr<PeerWatch> watch_;
};

}  // namespace m2n

#endif

// Meeting over a network: a receiver listens on one named interface; a sender connects, says the secret and its sizes,
// and both exchange the addresses of their UCX workers. Rows then travel as active messages of UCX.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_STATION_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_STATION_H

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bell_pipe.h"
#include "station.h"
#include "transports/network/guests.h"
#include "transports/ucx/ucx_end.h"
#include "waiter.h"

namespace m2n {

class UcxStation final : public Station, public Sleeper {
 public:
  // All references outlive this. `pipe` wakes sleep().
  UcxStation(const m2n_config& config, const PairSizes& sizes, const PairLayout& layout, const BellPipe& pipe,
             m2n_counters& counters);
  ~UcxStation() override;

  void describe(Address& address) const override { address.place = place_; }
  std::unique_ptr<Link> connect(uint32_t peer, const Address& address, uint64_t until_ns) override;
  bool has_news() const override { return guests_.has_joined(); }
  void accept(const HasRoom& has_room, const Add& add) override;
  void keep_house(uint64_t now) override { guests_.forget_silent(now); }
  void progress() override;
  void sleep(uint64_t bound_ns) override;

  // For links. The end must be retired in the end.
  void retire(UcxEnd& end);
  void push();

 private:
  struct Retired {
    std::unique_ptr<UcxEnd> end;
    uint64_t close_by_ns;
  };

  UcxEnd& make_end(UcxEnd::Side side, Control control);
  UcxEnd* find(const LinkName& name) const;
  // This side's worker as the peer is to reach it, for what follows a join or an answer.
  std::vector<std::byte> place_of(const UcxEnd& end) const;
  void admit(const JoinFrame& join, std::span<const std::byte> tail, Control control, const Add& add);
  void await(uint32_t peer, const UcxEnd& end, uint64_t until_ns, const std::function<bool()>& is_done);
  void read_controls();
  void attend();
  void close_retired(uint64_t now);
  void watch(int descriptor);

  static ucx::Status on_message(void* argument, const void* header, size_t header_length, void* data, size_t length,
                                const ucx::AmReceiveParam* param);

  const m2n_config& config_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  const BellPipe& pipe_;
  m2n_counters& counters_;
  NetworkPlace place_;
  Guests guests_;
  Descriptor controls_;  // an epoll set of the listener and all control connections
  ucx::MessageWorker worker_;
  std::vector<std::unique_ptr<UcxEnd>> ends_;  // index = LinkName::index; empty places are NULL
  std::vector<Retired> retired_;
  uint64_t controls_read_ns_ = 0;
  bool controls_ready_ = true;
};

}  // namespace m2n

#endif

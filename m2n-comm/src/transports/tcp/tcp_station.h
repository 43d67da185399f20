// Meeting over plain TCP: a receiver listens on one named interface; a sender connects, says the secret and its sizes, and
// the same connection then carries the pair's rows. Needs no library.
#ifndef M2N_SRC_TRANSPORTS_TCP_TCP_STATION_H
#define M2N_SRC_TRANSPORTS_TCP_TCP_STATION_H

#include <sys/epoll.h>

#include <memory>
#include <span>
#include <vector>

#include "bell_pipe.h"
#include "station.h"
#include "transports/network/guests.h"
#include "transports/tcp/tcp_end.h"
#include "waiter.h"

namespace m2n {

class TcpStation final : public Station, public Sleeper {
 public:
  // All references outlive this. `pipe` wakes sleep().
  TcpStation(const m2n_config& config, const PairSizes& sizes, const PairLayout& layout, const BellPipe& pipe,
             m2n_counters& counters);
  ~TcpStation() override;

  void describe(Address& address) const override { address.place = place_; }
  std::unique_ptr<Link> connect(uint32_t peer, const Address& address, uint64_t until_ns) override;
  bool has_news() const override { return guests_.has_joined(); }
  void accept(const HasRoom& has_room, const Add& add) override;
  void keep_house(uint64_t now) override { guests_.forget_silent(now); }
  void progress() override;
  void sleep(uint64_t bound_ns) override;

  // For links. The end must be retired in the end.
  void retire(TcpEnd& end);
  void push(TcpEnd& end);

 private:
  struct Retired {
    std::unique_ptr<TcpEnd> end;
    uint64_t close_by_ns;
  };

  TcpEnd& make_end(TcpEnd::Side side);
  void admit(const JoinFrame& join, std::span<const std::byte> tail, Control control, const Add& add);
  void attend(TcpEnd& end);
  void look_at_set();
  void handle(std::span<const epoll_event> events);
  void close_retired(uint64_t now);
  void watch(int descriptor, uint32_t what);

  const m2n_config& config_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  const BellPipe& pipe_;
  m2n_counters& counters_;
  NetworkPlace place_;
  Guests guests_;
  Descriptor set_;                             // an epoll set of the pipe, the listener, guests and ends
  std::vector<std::unique_ptr<TcpEnd>> ends_;  // index = TcpEnd::index; empty places are NULL
  std::vector<Retired> retired_;
  uint64_t set_read_ns_ = 0;
  bool just_read_ = false;  // by sleep()
};

}  // namespace m2n

#endif

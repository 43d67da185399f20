// One end of a pair over a TCP connection: this side's mirror of the pair's memory, what of it the socket has not taken
// yet, and what is known of the peer. The end of the connection is the peer's goodbye, or its death: whatever it sent
// before has been read by then.
#ifndef M2N_SRC_TRANSPORTS_TCP_TCP_END_H
#define M2N_SRC_TRANSPORTS_TCP_TCP_END_H

#include <cstdint>
#include <utility>

#include "descriptor.h"
#include "link.h"
#include "transports/network/landing.h"
#include "transports/network/mirror.h"
#include "transports/tcp/intake.h"
#include "transports/tcp/outbox.h"

namespace m2n {

class TcpEnd {
 public:
  enum Side { kSenderSide, kReceiverSide };

  // Takes the mirror's memory at once. `set` is an epoll set, in which this end's socket is `index`.
  TcpEnd(Side side, int set, uint32_t index, const PairSizes& sizes, const PairLayout& layout);
  ~TcpEnd() { close(); }
  TcpEnd(const TcpEnd&) = delete;
  TcpEnd& operator=(const TcpEnd&) = delete;

  // The connection through which the two have met.
  void use(Descriptor socket);
  void publish(const Publication& publication);
  // Writes what the socket takes now.
  void flush();
  // Reads what has come, without waiting.
  void receive();
  // Before sleeping in the set: it tells when the socket takes more, where there is more.
  void watch_for_room();
  // Nothing is published any more. What a receiver has returned is still sent; the dispatches of a sender that leaves
  // are for nobody.
  void leave();
  // Lets go of the connection once the socket has everything that is owed.
  bool close_when_sent();
  void close();
  // The set tells nothing more of it.
  void unwatch();

  uint32_t index() const { return index_; }
  std::byte* base() const { return mirror_.base(); }
  bool is_open() const { return static_cast<bool>(socket_); }
  bool is_gone() const { return gone_; }
  bool is_sending() const { return !outbox_.is_empty(); }
  bool is_sending(uint32_t slot) const { return outbox_.holds(slot); }
  // Why the pair was dropped, once; NULL: it was not.
  const char* take_fault() { return std::exchange(fault_, nullptr); }

 private:
  void break_off(const char* fault);
  void mark_gone();

  Side side_;
  int set_;
  uint32_t index_;
  Descriptor socket_;
  Mirror mirror_;
  Landing landing_;
  Intake intake_;
  Outbox outbox_;
  const char* fault_ = nullptr;
  bool watches_room_ = false;
  bool left_ = false;
  bool deaf_ = false;  // the peer takes nothing any more; what it sent before may still be read
  bool gone_ = false;
};

}  // namespace m2n

#endif

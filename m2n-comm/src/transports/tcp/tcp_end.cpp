#include "transports/tcp/tcp_end.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "shared_memory.h"
#include "transports/network/place.h"

namespace m2n {
namespace {

// A peer whose host takes nothing for so long is lost, whatever tickets' deadlines were.
constexpr int kUserTimeoutMs = 30'000;
constexpr int kMostReads = 16;  // at one look, so that one peer cannot keep the others waiting

WireKind arriving_at(TcpEnd::Side side) {
  return side == TcpEnd::kSenderSide ? WireKind::kResult : WireKind::kDispatch;
}

WireKind leaving_from(TcpEnd::Side side) {
  return side == TcpEnd::kSenderSide ? WireKind::kDispatch : WireKind::kResult;
}

bool is_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK; }

constexpr std::size_t kDiscardBytes = 1 << 20;

}  // namespace

TcpEnd::TcpEnd(Side side, int set, uint32_t index, const PairSizes& sizes, const PairLayout& layout)
    : side_(side),
      set_(set),
      index_(index),
      mirror_(layout),
      landing_(arriving_at(side), mirror_.view(), sizes, layout),
      intake_(landing_),
      outbox_(MessageShape(leaving_from(side), sizes, layout), mirror_.view()) {}

void TcpEnd::use(Descriptor socket) {
  socket_ = std::move(socket);
  set_option(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = index_;
  // A receiver's is there already, as a guest's.
  if (epoll_ctl(set_, EPOLL_CTL_MOD, socket_.get(), &event) != 0) epoll_ctl(set_, EPOLL_CTL_ADD, socket_.get(), &event);
}

// ---- sending ----

void TcpEnd::publish(const Publication& publication) {
  if (gone_ || left_ || deaf_) return;
  if (!outbox_.add(publication)) return break_off("a message in a slot whose last answer it has not taken");
  flush();
}

void TcpEnd::flush() {
  while (!outbox_.is_empty()) {
    iovec places[Outbox::kMostPlaces];
    uint64_t bytes = 0;
    msghdr message{};
    message.msg_iov = places;
    message.msg_iovlen = outbox_.next(places, &bytes);
    const ssize_t length = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (length >= 0) {
      outbox_.written(static_cast<uint64_t>(length));
      if (static_cast<uint64_t>(length) < bytes) return;
      continue;
    }
    if (errno == EINTR) continue;
    if (is_try_again()) return;
    // Reading tells the same in the end, after what is still unread.
    deaf_ = true;
    outbox_.clear();
  }
}

void TcpEnd::watch_for_room() {
  if (watches_room_ == is_sending() || !is_open()) return;
  watches_room_ = is_sending();
  epoll_event event{};
  event.events = watches_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = index_;
  epoll_ctl(set_, EPOLL_CTL_MOD, socket_.get(), &event);
}

// ---- receiving ----

void TcpEnd::receive() {
  for (int i = 0; i < kMostReads && is_open(); ++i) {
    iovec places[Intake::kMostRooms];
    uint64_t room = 0;
    msghdr message{};
    message.msg_iov = places;
    message.msg_iovlen = intake_.room(places, &room);
    const ssize_t length = recvmsg(socket_.get(), &message, 0);
    if (length > 0) {
      if (const char* fault = intake_.arrived(static_cast<uint64_t>(length))) return break_off(fault);
      if (static_cast<uint64_t>(length) < room) return;  // the socket is empty
      continue;
    }
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && is_try_again()) return;
    return mark_gone();
  }
}

// ---- the end ----

void TcpEnd::break_off(const char* fault) {
  fault_ = fault;
  mark_gone();
}

void TcpEnd::mark_gone() {
  gone_ = true;
  PairHeader& header = mirror_.view().header();
  PairEnd& end = side_ == kSenderSide ? header.receiver : header.sender;
  store(end.state, static_cast<uint32_t>(kClosed));
  close();
}

void TcpEnd::leave() {
  left_ = true;
  if (side_ == kSenderSide)
    close();
  else
    close_when_sent();
}

bool TcpEnd::close_when_sent() {
  if (!is_open()) return true;
  flush();
  if (!outbox_.is_empty()) return false;
  // The kernel delivers what it has after a close, unless something is unread: then it resets the connection.
  for (int i = 0; i < kMostReads && recv(socket_.get(), nullptr, kDiscardBytes, MSG_TRUNC) > 0; ++i) {
  }
  close();
  return true;
}

void TcpEnd::close() {
  outbox_.clear();
  unwatch();
  socket_.reset();
}

// By name, before it is closed: a child between fork and exec would keep it in the set.
void TcpEnd::unwatch() {
  if (is_open()) epoll_ctl(set_, EPOLL_CTL_DEL, socket_.get(), nullptr);
}

}  // namespace m2n

// A rival: plain TCP, one connection a pair, no engine. WAIT spin: reads in a loop; else sleeps in epoll at once.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "rounds.h"

namespace {

using namespace bench;

class TcpEngine final : public Engine {
 public:
  void open(const Shape& shape, int rank, Board& board) override {
    shape_ = shape;
    sends_ = rank < shape.senders;
    peers_ = sends_ ? shape.receivers : shape.senders;
    out_.resize(static_cast<std::size_t>(peers_), std::vector<char>(shape.bytes));
    in_ = out_;
    sockets_.resize(static_cast<std::size_t>(peers_), -1);
    sends_ ? connect_all(rank, board) : accept_all(board);
    set_ = epoll_create1(0);
    for (int peer = 0; peer < peers_; ++peer) {
      const int one = 1, socket = sockets_[static_cast<std::size_t>(peer)];
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.u32 = static_cast<uint32_t>(peer);
      epoll_ctl(set_, EPOLL_CTL_ADD, socket, &event);
    }
  }

  void send_round(uint64_t round) override {
    make_all(round);
    exchange(true, true);
    for (const auto& data : in_) bench::read(data.data(), data.size(), round);
  }
  void serve_round(uint64_t round) override {
    exchange(false, true);
    for (const auto& data : in_) bench::read(data.data(), data.size(), round);
    make_all(round);
    exchange(true, false);
  }

 private:
  void make_all(uint64_t round) {
    for (auto& data : out_) make(data.data(), data.size(), round);
  }

  // Sends and receives one message a peer.
  void exchange(bool sends, bool receives) {
    std::vector<uint64_t> sent(out_.size(), sends ? 0 : shape_.bytes), had(in_.size(), receives ? 0 : shape_.bytes);
    const auto is_done = [&] {
      return std::all_of(sent.begin(), sent.end(), [&](uint64_t bytes) { return bytes == shape_.bytes; }) &&
             std::all_of(had.begin(), had.end(), [&](uint64_t bytes) { return bytes == shape_.bytes; });
    };
    while (!is_done()) {
      bool moved = false;
      for (std::size_t peer = 0; peer < sockets_.size(); ++peer) {
        moved |= move(sent[peer], [&](uint64_t at) {
          return ::send(sockets_[peer], out_[peer].data() + at, shape_.bytes - at, MSG_NOSIGNAL);
        });
        moved |= move(had[peer],
                      [&](uint64_t at) { return ::recv(sockets_[peer], in_[peer].data() + at, shape_.bytes - at, 0); });
      }
      if (moved || shape_.wait == "spin") continue;
      if (shape_.wait == "yield") {
        sched_yield();
        continue;
      }
      epoll_event events[16];
      epoll_wait(set_, events, 16, 1000);
    }
  }

  template <class Call>
  bool move(uint64_t& at, Call&& call) {
    if (at == shape_.bytes) return false;
    const ssize_t length = call(at);
    if (length > 0) at += static_cast<uint64_t>(length);
    if (length == 0 || (length < 0 && errno != EAGAIN)) die("a connection broke");
    return length > 0;
  }

  void accept_all(Board& board) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = inet_addr(shape_.host_of_receivers.empty() ? "127.0.0.1" : "192.0.2.2");
    socklen_t length = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 64) != 0)
      die("no port can be opened");
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    board.put(&address, length);
    for (int i = 0; i < peers_; ++i) {
      const int socket = accept(listener, nullptr, nullptr);
      uint32_t who;
      if (::read(socket, &who, sizeof who) != sizeof who || who >= sockets_.size()) die("a stranger");
      sockets_[who] = socket;
    }
  }

  void connect_all(int rank, Board& board) {
    for (int peer = 0; peer < peers_; ++peer) {
      uint32_t length;
      const char* address = board.get(shape_.senders + peer, &length);
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      const auto who = static_cast<uint32_t>(rank);
      if (connect(socket, reinterpret_cast<const sockaddr*>(address), length) != 0 ||
          write(socket, &who, sizeof who) != sizeof who)
        die("a receiver cannot be reached");
      sockets_[static_cast<std::size_t>(peer)] = socket;
    }
  }

  Shape shape_{};
  bool sends_ = false;
  int peers_ = 0, set_ = -1;
  std::vector<int> sockets_;
  std::vector<std::vector<char>> out_, in_;
};

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [] { return std::make_unique<TcpEngine>(); });
}

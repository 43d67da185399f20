#include "transports/network/place.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "failure.h"

namespace m2n {
namespace {

constexpr int kBacklog = 128;
constexpr int kRowBufferBytes = 1 << 20;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const NetworkPlace& place) {
  SocketAddress address;
  if (place.family == 6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(place.port);
    std::memcpy(&six.sin6_addr, place.address, 16);
    address.length = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
    four.sin_family = AF_INET;
    four.sin_port = htons(place.port);
    std::memcpy(&four.sin_addr, place.address, 4);
    address.length = sizeof four;
  }
  return address;
}

// The system's own sizes start so small that the first messages wait for one another, and would not shrink: so sockets
// start wide and the system may still widen them. Before the connection, whose window depends on it. A system that cannot
// unlock a size once set (Linux before 5.14) keeps its own.
void widen(const Descriptor& socket) {
  int lock = 0;
  socklen_t length = sizeof lock;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_BUF_LOCK, &lock, &length) != 0) return;
  set_option(socket.get(), SOL_SOCKET, SO_SNDBUF, kRowBufferBytes);
  set_option(socket.get(), SOL_SOCKET, SO_RCVBUF, kRowBufferBytes);
  set_option(socket.get(), SOL_SOCKET, SO_BUF_LOCK, 0);
}

Descriptor open_socket(const NetworkPlace& place, Traffic traffic) {
  Descriptor socket(::socket(place.family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw Failure(M2N_INTERNAL, sentence("a socket cannot be opened: %s", strerror(errno)));
  if (traffic == Traffic::kRows) widen(socket);
  return socket;
}

}  // namespace

std::string interface_of(const m2n_config& config) {
  return std::string(config.interface_name, strnlen(config.interface_name, sizeof config.interface_name));
}

NetworkPlace interface_place(const std::string& name) {
  if (name.empty())
    throw Failure(M2N_INVALID,
                  "a transport between hosts needs the name of a network interface: it listens on no other");
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0)
    throw Failure(M2N_INTERNAL, sentence("network interfaces cannot be listed: %s", strerror(errno)));
  NetworkPlace place{};
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || name != at->ifa_name) continue;
    if (at->ifa_addr->sa_family == AF_INET) {
      place.family = 4;
      std::memcpy(place.address, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, 4);
      break;
    }
    const auto* six = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
    if (at->ifa_addr->sa_family != AF_INET6 || IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr)) continue;
    place.family = 6;
    std::memcpy(place.address, &six->sin6_addr, 16);
  }
  freeifaddrs(all);
  if (place.family == 0)
    throw Failure(M2N_INVALID, sentence("there is no network interface '%s' with an address here", name.c_str()));
  uint64_t nonce[2];
  fill_nonce(nonce);
  place.nonce = nonce[0];
  return place;
}

Descriptor listen_at(NetworkPlace* place, Traffic traffic) {
  Descriptor socket = open_socket(*place, traffic);
  SocketAddress address = socket_address(*place);
  if (bind(socket.get(), address.get(), address.length) != 0 || listen(socket.get(), kBacklog) != 0 ||
      getsockname(socket.get(), address.get(), &address.length) != 0)
    throw Failure(M2N_INTERNAL, sentence("no port can be opened on the network interface: %s", strerror(errno)));
  place->port = ntohs(place->family == 6 ? reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
  return socket;
}

Descriptor connect_from(const NetworkPlace& from, const NetworkPlace& to, Traffic traffic) {
  if ((to.family != 4 && to.family != 6) || to.port == 0)
    throw Failure(M2N_INVALID, "the peer's address names no place on a network");
  if (to.family != from.family)
    throw Failure(M2N_INVALID, sentence("the peer is reached by IPv%u, this endpoint's interface has IPv%u", to.family,
                                        from.family));
  Descriptor socket = open_socket(to, traffic);
  NetworkPlace any_port = from;
  any_port.port = 0;
  SocketAddress own = socket_address(any_port), peer = socket_address(to);
  if (bind(socket.get(), own.get(), own.length) != 0)
    throw Failure(M2N_INTERNAL, sentence("the network interface cannot be used: %s", strerror(errno)));
  if (connect(socket.get(), peer.get(), peer.length) != 0 && errno != EINPROGRESS)
    throw Failure(M2N_PEER_LOST, sentence("the peer cannot be reached: %s", strerror(errno)));
  return socket;
}

int connection_error(const Descriptor& socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

void set_option(int socket, int level, int option, int value) {
  setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace m2n

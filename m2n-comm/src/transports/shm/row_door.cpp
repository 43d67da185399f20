#include "transports/shm/row_door.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "clock.h"
#include "failure.h"
#include "slot.h"

namespace m2n {
namespace {

constexpr uint64_t kMessageMagic = 0x3130574f524e324dull;  // "M2NROW01"
constexpr std::size_t kMostWaiting = kMaxPeers;  // guests, and memory not asked for: all peers may come at once
constexpr uint64_t kStaleNs = 10'000'000'000u;   // a live sender needs microseconds

struct Message {
  uint64_t magic;
  uint64_t pair_nonce[2];
};
static_assert(sizeof(Message) == 24);

// A message with one descriptor, as the system sends and receives it.
struct Letter {
  // Room for one descriptor: what more is sent, the system closes.
  static constexpr std::size_t kControlBytes = CMSG_LEN(sizeof(int));

  Message message;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part;

  // Points into this letter.
  msghdr header() {
    part = {&message, sizeof message};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = kControlBytes;
    return header;
  }
};

socklen_t name_door(const uint64_t (&nonce)[2], sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  const std::string name = sentence("m2n-rows-%016lx%016lx", nonce[0], nonce[1]);
  std::memcpy(address->sun_path + 1, name.data(), name.size());  // the first byte stays 0: abstract
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

Descriptor make_socket() {
  Descriptor made(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) throw Failure(M2N_INTERNAL, sentence("a socket for row memory cannot be made: %s", strerror(errno)));
  return made;
}

ucred peer_of(const Descriptor& connection) {
  ucred peer{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t bytes = sizeof peer;
  getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes);
  return peer;
}

}  // namespace

RowDoor::RowDoor(const uint64_t (&nonce)[2]) : door_(make_socket()) {
  sockaddr_un address;
  const socklen_t length = name_door(nonce, &address);
  if (bind(door_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(door_.get(), kMostWaiting) != 0)
    throw Failure(M2N_INTERNAL, sentence("no socket for row memory: %s", strerror(errno)));
  guests_.reserve(kMostWaiting);
  arrived_.reserve(kMostWaiting);
}

void RowDoor::let_in() {
  const uint64_t now = now_ns();
  for (;;) {
    Descriptor connection(accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) return;
    if (peer_of(connection).uid != geteuid()) continue;
    if (guests_.size() == kMostWaiting) guests_.erase(guests_.begin());
    guests_.push_back({std::move(connection), now});
  }
}

bool RowDoor::hear(const Guest& guest) {
  Letter letter{};
  const Message& message = letter.message;
  msghdr header = letter.header();
  const ssize_t bytes = recvmsg(guest.connection.get(), &header, MSG_CMSG_CLOEXEC);
  if (bytes < 0) return errno != EAGAIN && errno != EINTR;
  Descriptor memory;
  const cmsghdr* first = CMSG_FIRSTHDR(&header);
  if (first != nullptr && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
      first->cmsg_len == Letter::kControlBytes) {
    int number;
    std::memcpy(&number, CMSG_DATA(first), sizeof number);
    memory = Descriptor(number);
  }
  if (bytes != sizeof message || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || message.magic != kMessageMagic ||
      !memory)
    return true;
  if (arrived_.size() == kMostWaiting) arrived_.erase(arrived_.begin());
  arrived_.push_back({{message.pair_nonce[0], message.pair_nonce[1]}, std::move(memory), guest.since_ns});
  return true;
}

Descriptor RowDoor::take(const uint64_t (&pair_nonce)[2]) {
  let_in();
  std::erase_if(guests_, [this](const Guest& guest) { return hear(guest); });
  for (auto it = arrived_.begin(); it != arrived_.end(); ++it) {
    if (it->nonce[0] != pair_nonce[0] || it->nonce[1] != pair_nonce[1]) continue;
    Descriptor memory = std::move(it->memory);
    arrived_.erase(it);
    return memory;
  }
  throw Failure(M2N_INVALID, "the sender has handed over no memory for its rows");
}

void RowDoor::tidy(uint64_t now) {
  let_in();
  std::erase_if(guests_, [&](const Guest& guest) { return hear(guest) || now >= guest.since_ns + kStaleNs; });
  std::erase_if(arrived_, [&](const Arrived& one) { return now >= one.since_ns + kStaleNs; });
}

void RowDoor::hand_over(const RegionName& doorbell, const uint64_t (&pair_nonce)[2], const Descriptor& memory) {
  const Descriptor connection = make_socket();
  sockaddr_un address;
  const socklen_t length = name_door(doorbell.nonce, &address);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), length) != 0)
    throw Failure(M2N_REFUSED, errno == EAGAIN ? std::string("the receiver has too many connections under way")
                                               : std::string("the receiver has no row_memory, or is in another network "
                                                             "namespace, where it cannot be handed over"));
  const ucred peer = peer_of(connection);
  if (static_cast<uint32_t>(peer.pid) != doorbell.pid || peer.uid != geteuid())
    throw Failure(M2N_PEER_LOST, sentence("process %u has ended: another one has its place", doorbell.pid));
  Letter letter{{kMessageMagic, {pair_nonce[0], pair_nonce[1]}}, {}, {}};
  const msghdr header = letter.header();
  cmsghdr* first = CMSG_FIRSTHDR(&header);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = Letter::kControlBytes;
  const int number = memory.get();
  std::memcpy(CMSG_DATA(first), &number, sizeof number);
  if (sendmsg(connection.get(), &header, MSG_NOSIGNAL) != sizeof(Message))
    throw Failure(M2N_REFUSED, sentence("row memory cannot be handed over: %s", strerror(errno)));
}

}  // namespace m2n

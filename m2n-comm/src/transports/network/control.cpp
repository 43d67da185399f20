#include "transports/network/control.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "transports/network/place.h"

namespace m2n {
namespace {

// A host that vanished is forgotten after half a minute.
constexpr int kKeepIdleS = 15, kKeepEveryS = 5, kKeepTries = 3;

}  // namespace

// ---- frames ----

FrameHeader FrameReader::header() const {
  FrameHeader header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header;
}

std::span<std::byte> FrameReader::room() {
  const std::size_t body = filled_ < sizeof(FrameHeader) ? 0 : std::min(header().bytes, kMaxFrameBytes);
  return std::span(bytes_).subspan(filled_, sizeof(FrameHeader) + body - filled_);
}

FrameReader::Result FrameReader::next() {
  if (filled_ < sizeof(FrameHeader)) return kNone;
  const FrameHeader header = this->header();
  if (header.magic != kFrameMagic || header.bytes > kMaxFrameBytes) return kGarbage;
  std::size_t least = 0;
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::kJoin:
      least = sizeof(JoinFrame);
      break;
    case FrameType::kAnswer:
      least = sizeof(AnswerFrame);
      break;
    case FrameType::kGoodbye:
      least = sizeof(GoodbyeFrame);
      break;
    default:
      return kGarbage;
  }
  if (header.bytes < least) return kGarbage;
  return filled_ >= sizeof header + header.bytes ? kFrame : kNone;
}

std::span<const std::byte> FrameReader::body() const {
  return std::span(bytes_).subspan(sizeof(FrameHeader), header().bytes);
}

void FrameReader::pop() {
  const std::size_t used = sizeof(FrameHeader) + header().bytes;
  std::memmove(bytes_.data(), bytes_.data() + used, filled_ - used);
  filled_ -= used;
}

// ---- the socket ----

Control::Control(Descriptor socket) : socket_(std::move(socket)) {
  set_option(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket_.get(), IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleS);
  set_option(socket_.get(), IPPROTO_TCP, TCP_KEEPINTVL, kKeepEveryS);
  set_option(socket_.get(), IPPROTO_TCP, TCP_KEEPCNT, kKeepTries);
}

Control::Result Control::read() {
  for (;;) {
    switch (reader_.next()) {
      case FrameReader::kFrame:
        return kFrame;
      case FrameReader::kGarbage:
        return kGarbage;
      default:
        break;
    }
    const std::span<std::byte> room = reader_.room();
    const ssize_t length = recv(socket_.get(), room.data(), room.size(), 0);
    if (length > 0)
      reader_.arrived(static_cast<std::size_t>(length));
    else if (length < 0 && errno == EINTR)
      continue;
    else
      return length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? kNothing : kEnded;
  }
}

bool Control::has_ended() const {
  char next;
  const ssize_t length = recv(socket_.get(), &next, sizeof next, MSG_PEEK);
  return length == 0 || (length < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool Control::send(FrameType type, const void* body, std::size_t bytes, std::span<const std::byte> tail) {
  const FrameHeader header{kFrameMagic, static_cast<uint32_t>(type), static_cast<uint32_t>(bytes + tail.size())};
  std::vector<std::byte> frame(sizeof header + bytes + tail.size());
  std::memcpy(frame.data(), &header, sizeof header);
  std::memcpy(frame.data() + sizeof header, body, bytes);
  if (!tail.empty()) std::memcpy(frame.data() + sizeof header + bytes, tail.data(), tail.size());
  return ::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
}

}  // namespace m2n

// A connection that carries frames: the handshake of a pair, and its goodbye where rows travel beside it. Its end says that
// the peer's process is gone.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_CONTROL_H
#define M2N_SRC_TRANSPORTS_NETWORK_CONTROL_H

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "descriptor.h"
#include "transports/network/wire.h"

namespace m2n {

// Cuts a stream of bytes into frames; refuses what is no frame before it takes memory for it.
class FrameReader {
 public:
  enum Result { kNone, kFrame, kGarbage };

  // Where the next bytes go, and how many at most: never more than the frame under way has, so that what follows the
  // frame stays in the socket.
  std::span<std::byte> room();
  void arrived(std::size_t bytes) { filled_ += bytes; }
  // kFrame: type() and body() are valid until pop().
  Result next();
  FrameType type() const { return static_cast<FrameType>(header().type); }
  std::span<const std::byte> body() const;
  void pop();

 private:
  FrameHeader header() const;

  std::vector<std::byte> bytes_ = std::vector<std::byte>(sizeof(FrameHeader) + kMaxFrameBytes);
  std::size_t filled_ = 0;
};

class Control {
 public:
  enum Result { kNothing, kFrame, kEnded, kGarbage };

  Control() = default;
  explicit Control(Descriptor socket);

  // Reads what has come, without waiting. kFrame: see frame(); then pop() and read again.
  Result read();
  FrameReader& frame() { return reader_; }
  // False if it could not be sent whole at once, which a peer that reads at all does not bring about.
  bool send(FrameType type, const void* body, std::size_t bytes, std::span<const std::byte> tail = {});
  // The peer has closed its side and nothing that it sent is unread.
  bool has_ended() const;
  int descriptor() const { return socket_.get(); }
  // The socket goes on without frames.
  Descriptor take() { return std::move(socket_); }
  void close() { socket_.reset(); }

 private:
  Descriptor socket_;
  FrameReader reader_;
};

}  // namespace m2n

#endif

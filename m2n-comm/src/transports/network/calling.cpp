#include "transports/network/calling.h"

#include <poll.h>

#include <cstring>

#include "clock.h"
#include "connect_table.h"
#include "failure.h"

namespace m2n {
namespace {

constexpr int kSliceMs = 1;

}  // namespace

JoinFrame join_of(int32_t transport, const m2n_config& config, const PairSizes& sizes, const NetworkPlace& place) {
  JoinFrame join{{}, M2N_ABI_VERSION, config.rank, sizes, place.nonce, transport, 0};
  std::memcpy(join.secret, config.secret, sizeof join.secret);
  return join;
}

Control reach_place(const Call& call, const NetworkPlace& from, const NetworkPlace& to, Traffic traffic) {
  Descriptor socket = connect_from(from, to, traffic);
  pollfd question{socket.get(), POLLOUT, 0};
  while (poll(&question, 1, kSliceMs) <= 0) {
    call.meanwhile();
    if (now_ns() >= call.until_ns)
      throw Failure(M2N_TIMEOUT, sentence("receiver %u could not be reached in time", call.peer));
  }
  if (const int error = connection_error(socket))
    throw Failure(M2N_PEER_LOST, sentence("receiver %u cannot be reached: %s", call.peer, strerror(error)));
  return Control(std::move(socket));
}

void say_join(const Call& call, Control& control, const JoinFrame& join, std::span<const std::byte> tail) {
  if (!control.send(FrameType::kJoin, &join, sizeof join, tail))
    throw Failure(M2N_PEER_LOST, sentence("receiver %u has ended before it answered", call.peer));
}

std::vector<std::byte> await_answer(const Call& call, Control& control) {
  for (;;) {
    switch (control.read()) {
      case Control::kFrame: {
        const std::span<const std::byte> body = control.frame().body();
        if (control.frame().type() != FrameType::kAnswer) break;
        AnswerFrame answer;
        std::memcpy(&answer, body.data(), sizeof answer);
        std::vector<std::byte> tail(body.begin() + sizeof answer, body.end());
        control.frame().pop();
        if (answer.status == M2N_OK) return tail;
        throw Failure(M2N_REFUSED, sentence("receiver %u refused: %s", call.peer, refusal_sentence(answer.refusal)));
      }
      case Control::kEnded:
        throw Failure(M2N_PEER_LOST, sentence("receiver %u has ended before it answered", call.peer));
      case Control::kNothing: {
        pollfd question{control.descriptor(), POLLIN, 0};
        poll(&question, 1, kSliceMs);
        call.meanwhile();
        if (now_ns() < call.until_ns) continue;
        throw Failure(M2N_TIMEOUT, sentence("receiver %u did not answer in time: it is not receiving", call.peer));
      }
      default:
        break;
    }
    throw Failure(M2N_INVALID, sentence("receiver %u answered something that is no answer", call.peer));
  }
}

}  // namespace m2n

#include "transports/network/guests.h"

#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "clock.h"
#include "secret.h"

namespace m2n {
namespace {

constexpr std::size_t kMostGuests = 32;
constexpr uint64_t kGuestNs = 5'000'000'000u;  // to say a whole join

}  // namespace

void Guests::listen(NetworkPlace* place, Traffic traffic) {
  listener_ = listen_at(place, traffic);
  nonce_ = place->nonce;
}

void Guests::close() {
  listener_.reset();
  guests_.clear();
}

void Guests::look(const Watch& watch, uint64_t* invalid) {
  for (;;) {
    Descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) break;
    if (guests_.size() == kMostGuests) read(invalid);  // who has hung up makes room
    if (guests_.size() == kMostGuests) continue;       // who comes now tries again later
    watch(socket.get());
    guests_.push_back({Control(std::move(socket)), now_ns(), false});
  }
  read(invalid);
}

void Guests::read(uint64_t* invalid) {
  std::erase_if(guests_, [&](Guest& guest) {
    if (guest.has_joined) return guest.control.has_ended();
    switch (guest.control.read()) {
      case Control::kNothing:
        return false;
      case Control::kFrame:
        if (guest.control.frame().type() != FrameType::kJoin) break;
        if (guest.control.has_ended()) return true;  // it gave up before anybody looked
        guest.has_joined = has_joined_ = true;
        return false;
      case Control::kEnded:
        return true;
      default:
        break;
    }
    ++*invalid;
    return true;
  });
}

void Guests::forget_silent(uint64_t now) {
  std::erase_if(guests_, [&](const Guest& guest) { return now - guest.since_ns > kGuestNs; });
}

Refusal Guests::judge(const JoinFrame& join, const Station::HasRoom& has_room) const {
  // The secret first: who does not have it learns nothing else.
  if (!is_same_secret(join.secret, config_.secret)) return Refusal::kSecret;
  if (join.place != nonce_ || join.transport != transport_) return Refusal::kOther;
  if (join.abi != M2N_ABI_VERSION) return Refusal::kAbi;
  if (!(join.sizes == sizes_)) return Refusal::kSizes;
  return has_room(join.rank);
}

void Guests::refuse(Control& control, Refusal refusal) {
  const AnswerFrame answer{M2N_REFUSED, static_cast<uint32_t>(refusal)};
  control.send(FrameType::kAnswer, &answer, sizeof answer);
}

void Guests::answer(const Station::HasRoom& has_room, const Admit& admit) {
  has_joined_ = false;
  for (Guest& guest : guests_) {
    if (!guest.has_joined || guest.control.has_ended()) continue;
    const std::span<const std::byte> body = guest.control.frame().body();
    JoinFrame join;
    std::memcpy(&join, body.data(), sizeof join);
    const std::vector<std::byte> tail(body.begin() + sizeof join, body.end());
    if (const Refusal refusal = judge(join, has_room); refusal != Refusal::kNone) {
      refuse(guest.control, refusal);
      continue;
    }
    guest.control.frame().pop();
    admit(join, tail, std::move(guest.control));
  }
  std::erase_if(guests_, [](const Guest& guest) { return guest.has_joined; });
}

}  // namespace m2n

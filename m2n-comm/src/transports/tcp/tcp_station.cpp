#include "transports/tcp/tcp_station.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "clock.h"
#include "failure.h"
#include "transports/network/calling.h"

namespace m2n {
namespace {

// What an event of the set is about, if not an end.
constexpr uint32_t kPipe = ~0u, kGuests = ~1u;
constexpr std::size_t kMostEvents = 32;
constexpr std::size_t kFewEnds = 2;           // are asked one by one, which is quicker than asking the set first
constexpr uint64_t kSetNs = 1'000'000;        // between two looks at the set meanwhile
constexpr uint64_t kLingerNs = 100'000'000u;  // for the socket to take what is owed to a peer when this side has left
constexpr uint64_t kRetiredNs = 5'000'000;    // between two looks at ends that linger, while asleep
constexpr uint64_t kPushNs = 200'000;         // for messages to get into the socket, before the caller computes on
constexpr int kSliceMs = 1;

// A pair's end as senders and receivers see it.
class TcpLink final : public Link {
 public:
  TcpLink(TcpStation& station, TcpEnd& end) : station_(station), end_(end) {}
  ~TcpLink() override { station_.retire(end_); }

  int32_t transport() const override { return M2N_TCP; }
  std::byte* base() const override { return end_.base(); }
  void publish_dispatch(const Publication& publication) override { end_.publish(publication); }
  void publish_result(const Publication& publication) override { end_.publish(publication); }
  void ring() override { station_.push(end_); }  // the message itself wakes the peer
  void leave() override { end_.leave(); }
  bool alive() override { return !end_.is_gone(); }
  bool is_sending(uint32_t slot) const override { return end_.is_sending(slot); }

 private:
  TcpStation& station_;
  TcpEnd& end_;
};

timespec to_timespec(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000u), static_cast<long>(ns % 1'000'000'000u)};
}

}  // namespace

TcpStation::TcpStation(const m2n_config& config, const PairSizes& sizes, const PairLayout& layout, const BellPipe& pipe,
                       m2n_counters& counters)
    : config_(config),
      sizes_(sizes),
      layout_(layout),
      pipe_(pipe),
      counters_(counters),
      place_(interface_place(interface_of(config))),
      guests_(M2N_TCP, config, sizes),
      set_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!set_) throw Failure(M2N_INTERNAL, sentence("epoll_create1 failed: %s", strerror(errno)));
  watch(pipe_.reading_end(), kPipe);
  if (config.role == M2N_RECEIVER) {
    guests_.listen(&place_, Traffic::kRows);
    watch(guests_.listener(), kGuests);
  }
  ends_.reserve(config.max_peers);
  retired_.reserve(config.max_peers);
}

TcpStation::~TcpStation() {
  guests_.close();
  while (!ends_.empty()) retire(*ends_.back());
  const uint64_t until = now_ns() + 2 * kLingerNs;
  for (;;) {
    close_retired(now_ns());
    if (retired_.empty() || now_ns() >= until) return;
    poll(nullptr, 0, kSliceMs);
  }
}

void TcpStation::watch(int descriptor, uint32_t what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = what;
  epoll_ctl(set_.get(), EPOLL_CTL_ADD, descriptor, &event);
}

// ---- ends ----

TcpEnd& TcpStation::make_end(TcpEnd::Side side) {
  std::size_t index = 0;
  while (index < ends_.size() && ends_[index] != nullptr) ++index;
  auto end = std::make_unique<TcpEnd>(side, set_.get(), static_cast<uint32_t>(index), sizes_, layout_);
  if (index == ends_.size())
    ends_.push_back(std::move(end));
  else
    ends_[index] = std::move(end);
  return *ends_[index];
}

void TcpStation::retire(TcpEnd& end) {
  std::unique_ptr<TcpEnd>& owner = ends_[end.index()];
  owner->leave();
  owner->unwatch();
  if (owner->close_when_sent())
    owner.reset();
  else
    retired_.push_back({std::move(owner), now_ns() + kLingerNs});
  while (!ends_.empty() && ends_.back() == nullptr) ends_.pop_back();
}

void TcpStation::close_retired(uint64_t now) {
  std::erase_if(retired_,
                [&](Retired& retired) { return retired.end->close_when_sent() || now >= retired.close_by_ns; });
}

// ---- moving ----

void TcpStation::attend(TcpEnd& end) {
  if (end.is_sending()) end.flush();
  end.receive();
  if (end.take_fault() != nullptr) ++counters_.invalid;
}

void TcpStation::progress() {
  if (std::exchange(just_read_, false)) return;
  if (ends_.size() > kFewEnds) {
    look_at_set();
    for (const auto& end : ends_)
      if (end != nullptr && end->is_sending()) end->flush();
  } else {
    for (const auto& end : ends_)
      if (end != nullptr) attend(*end);
    const uint64_t now = now_ns();
    if (now - set_read_ns_ >= kSetNs) {
      set_read_ns_ = now;
      look_at_set();
    }
  }
  if (!retired_.empty()) close_retired(now_ns());
}

void TcpStation::look_at_set() {
  epoll_event events[kMostEvents];
  const int count = epoll_wait(set_.get(), events, kMostEvents, 0);
  if (count > 0) handle({events, static_cast<std::size_t>(count)});
}

void TcpStation::handle(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    const uint32_t what = event.data.u32;
    if (what == kPipe)
      pipe_.empty();
    else if (what == kGuests)
      guests_.look([this](int descriptor) { watch(descriptor, kGuests); }, &counters_.invalid);
    else if (what < ends_.size() && ends_[what] != nullptr)
      attend(*ends_[what]);
  }
}

void TcpStation::push(TcpEnd& end) {
  if (!end.is_sending()) return;
  // Reading meanwhile, or two that write to each other would both wait.
  const uint64_t until = now_ns() + kPushNs;
  do {
    sched_yield();
    attend(end);
  } while (end.is_sending() && now_ns() < until);
}

void TcpStation::sleep(uint64_t bound_ns) {
  for (const auto& end : ends_)
    if (end != nullptr) end->watch_for_room();
  const timespec bound = to_timespec(retired_.empty() ? bound_ns : std::min(bound_ns, kRetiredNs));
  epoll_event events[kMostEvents];
  int count = epoll_pwait2(set_.get(), events, kMostEvents, &bound, nullptr);
  if (count < 0 && errno != EINTR) {  // before Linux 5.11: the set itself can be waited for
    pollfd question{set_.get(), POLLIN, 0};
    if (ppoll(&question, 1, &bound, nullptr) > 0) count = epoll_wait(set_.get(), events, kMostEvents, 0);
  }
  if (count <= 0) return;
  handle({events, static_cast<std::size_t>(count)});
  just_read_ = true;
}

// ---- receivers ----

void TcpStation::accept(const HasRoom& has_room, const Add& add) {
  guests_.answer(has_room, [&](const JoinFrame& join, std::span<const std::byte> tail, Control control) {
    admit(join, tail, std::move(control), add);
  });
}

void TcpStation::admit(const JoinFrame& join, std::span<const std::byte> tail, Control control, const Add& add) {
  if (!tail.empty()) return Guests::refuse(control, Refusal::kNone);
  TcpEnd* end = nullptr;
  try {
    end = &make_end(TcpEnd::kReceiverSide);
  } catch (const std::exception&) {
    return Guests::refuse(control, Refusal::kRegion);
  }
  auto pair = std::make_shared<ReceiverPair>(join.rank, std::make_unique<TcpLink>(*this, *end), sizes_, layout_);
  const AnswerFrame answer{M2N_OK, 0};
  control.send(FrameType::kAnswer, &answer, sizeof answer);
  end->use(control.take());
  add(std::move(pair));
}

// ---- senders ----

std::unique_ptr<Link> TcpStation::connect(uint32_t peer, const Address& address, uint64_t until_ns) {
  const Call call{peer, until_ns, [this] { progress(); }};
  Control control = reach_place(call, place_, address.place, Traffic::kRows);
  say_join(call, control, join_of(M2N_TCP, config_, sizes_, address.place));
  if (!await_answer(call, control).empty())
    throw Failure(M2N_INVALID, sentence("receiver %u answered something that is no answer", peer));
  TcpEnd& end = make_end(TcpEnd::kSenderSide);
  auto link = std::make_unique<TcpLink>(*this, end);
  end.use(control.take());
  return link;
}

}  // namespace m2n

#include "transports/ucx/ucx_station.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "clock.h"
#include "failure.h"
#include "transports/network/calling.h"

namespace m2n {
namespace {

constexpr uint64_t kControlsNs = 1'000'000;   // between two looks at the control connections while awake
constexpr uint64_t kLingerNs = 100'000'000u;  // for a peer to take what it was sent before this side left
constexpr uint64_t kPushNs = 200'000;         // for messages to get into the socket, before the caller computes on
constexpr int kSliceMs = 1;

// What follows a join or an answer: who the peer is, and its worker's address. False if it is nothing of the kind.
bool parse_place(std::span<const std::byte> tail, UcxPlace* place, std::span<const std::byte>* worker) {
  if (tail.size() <= sizeof *place) return false;
  std::memcpy(place, tail.data(), sizeof *place);
  *worker = tail.subspan(sizeof *place);
  return worker->size() == place->worker_bytes;
}

// A pair's end as senders and receivers see it.
class UcxLink final : public Link {
 public:
  UcxLink(UcxStation& station, UcxEnd& end) : station_(station), end_(end) {}
  ~UcxLink() override { station_.retire(end_); }

  int32_t transport() const override { return M2N_UCX; }
  std::byte* base() const override { return end_.base(); }
  void publish_dispatch(const Publication& publication) override { end_.send(WireKind::kDispatch, publication); }
  void publish_result(const Publication& publication) override { end_.send(WireKind::kResult, publication); }
  void ring() override { station_.push(); }  // the message itself wakes the peer
  void leave() override { end_.say_goodbye(); }
  bool alive() override { return !end_.is_gone(); }
  bool is_sending(uint32_t slot) const override { return end_.is_sending(slot); }

 private:
  UcxStation& station_;
  UcxEnd& end_;
};

}  // namespace

UcxStation::UcxStation(const m2n_config& config, const PairSizes& sizes, const PairLayout& layout, const BellPipe& pipe,
                       m2n_counters& counters)
    : config_(config),
      sizes_(sizes),
      layout_(layout),
      pipe_(pipe),
      counters_(counters),
      place_(interface_place(interface_of(config))),
      guests_(M2N_UCX, config, sizes),
      controls_(epoll_create1(EPOLL_CLOEXEC)),
      worker_(interface_of(config), config.max_peers, &UcxStation::on_message, this) {
  if (!controls_) throw Failure(M2N_INTERNAL, sentence("epoll_create1 failed: %s", strerror(errno)));
  if (config.role == M2N_RECEIVER) {
    guests_.listen(&place_, Traffic::kWords);
    watch(guests_.listener());
  }
  if (worker_.address().size() > kMaxWorkerBytes)
    throw Failure(M2N_INTERNAL, "UCX has more devices here than an address holds; name fewer in UCX_NET_DEVICES");
  ends_.reserve(std::size_t{config.max_peers} * 2);
}

UcxStation::~UcxStation() {
  guests_.close();
  for (auto& end : ends_)
    if (end != nullptr) retired_.push_back({std::move(end), 0});
  ends_.clear();
  const uint64_t until = now_ns() + 2 * kLingerNs;
  while (!retired_.empty() && now_ns() < until) {
    worker_.progress();
    close_retired(now_ns());
    if (retired_.empty()) break;
    pollfd question{worker_.event_descriptor(), POLLIN, 0};
    poll(&question, 1, kSliceMs);
  }
}

void UcxStation::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(controls_.get(), EPOLL_CTL_ADD, descriptor, &event);
}

// ---- ends ----

UcxEnd& UcxStation::make_end(UcxEnd::Side side, Control control) {
  std::size_t index = 0;
  while (index < ends_.size() && ends_[index] != nullptr) ++index;
  uint64_t nonce[2];
  fill_nonce(nonce);
  const LinkName name{static_cast<uint32_t>(index), 0, nonce[0]};
  auto end = std::make_unique<UcxEnd>(worker_, side, name, std::move(control), sizes_, layout_);
  if (index == ends_.size())
    ends_.push_back(std::move(end));
  else
    ends_[index] = std::move(end);
  return *ends_[index];
}

UcxEnd* UcxStation::find(const LinkName& name) const {
  if (name.index >= ends_.size() || ends_[name.index] == nullptr) return nullptr;
  return ends_[name.index]->name().nonce == name.nonce ? ends_[name.index].get() : nullptr;
}

void UcxStation::retire(UcxEnd& end) {
  std::unique_ptr<UcxEnd>& owner = ends_[end.name().index];
  owner->say_goodbye();
  // Only a receiver owes something: results that it has returned.
  const uint64_t wait_ns = config_.role == M2N_RECEIVER ? kLingerNs : 0;
  retired_.push_back({std::move(owner), now_ns() + wait_ns});
}

void UcxStation::close_retired(uint64_t now) {
  std::erase_if(retired_, [&](Retired& retired) { return retired.end->close(now, retired.close_by_ns); });
}

// ---- moving ----

ucx::Status UcxStation::on_message(void* argument, const void* header, size_t header_length, void* data, size_t length,
                                   const ucx::AmReceiveParam* param) {
  auto& station = *static_cast<UcxStation*>(argument);
  UcxHeader message;
  // Who cannot name a pair gets nothing, not even an answer.
  if (header_length != sizeof message) return ucx::kOk;
  std::memcpy(&message, header, sizeof message);
  UcxEnd* end = station.find(message.to);
  const bool is_here = (param->attributes & ucx::kAmReceiveRendezvous) == 0;
  if (end != nullptr && is_here) end->receive(message.wire, data, length);
  return ucx::kOk;
}

void UcxStation::progress() {
  for (int i = 0; i < 16 && worker_.progress() != 0; ++i) {
  }
  const uint64_t now = now_ns();
  if (controls_ready_ || now - controls_read_ns_ >= kControlsNs) {
    controls_ready_ = false;
    controls_read_ns_ = now;
    read_controls();
  }
  attend();
  if (!retired_.empty()) close_retired(now);
}

void UcxStation::attend() {
  for (const auto& end : ends_) {
    if (end == nullptr || !end->needs_attention() || end->is_gone()) continue;
    if (end->fault() != nullptr) ++counters_.invalid;
    const uint64_t now = now_ns();
    if (!end->settle_departure(now) && end->is_to_greet()) end->greet(now);
  }
}

void UcxStation::read_controls() {
  epoll_event events[16];
  if (epoll_wait(controls_.get(), events, 16, 0) <= 0) return;
  if (config_.role == M2N_RECEIVER) guests_.look([this](int descriptor) { watch(descriptor); }, &counters_.invalid);
  bool ended = false;
  for (const auto& end : ends_) {
    if (end == nullptr) continue;
    const bool was_open = end->control().descriptor() >= 0;
    end->listen();
    ended |= was_open && end->control().descriptor() < 0;
  }
  // What a process had sent before it died is still counted.
  for (int i = 0; ended && i < 64 && worker_.progress() != 0; ++i) {
  }
}

void UcxStation::push() {
  const auto is_sending = [&] {
    return std::any_of(ends_.begin(), ends_.end(), [](const auto& end) { return end != nullptr && end->is_sending(); });
  };
  if (!is_sending()) return;
  const uint64_t until = now_ns() + kPushNs;
  while (is_sending() && now_ns() < until) worker_.progress();
}

void UcxStation::sleep(uint64_t bound_ns) {
  if (!worker_.arm()) return;
  pollfd questions[3] = {
      {pipe_.reading_end(), POLLIN, 0}, {worker_.event_descriptor(), POLLIN, 0}, {controls_.get(), POLLIN, 0}};
  const timespec bound{static_cast<time_t>(bound_ns / 1'000'000'000u), static_cast<long>(bound_ns % 1'000'000'000u)};
  if (ppoll(questions, 3, &bound, nullptr) <= 0) return;
  if (questions[0].revents != 0) pipe_.empty();
  if (questions[2].revents != 0) controls_ready_ = true;
}

// ---- receivers ----

void UcxStation::accept(const HasRoom& has_room, const Add& add) {
  guests_.answer(has_room, [&](const JoinFrame& join, std::span<const std::byte> tail, Control control) {
    admit(join, tail, std::move(control), add);
  });
}

std::vector<std::byte> UcxStation::place_of(const UcxEnd& end) const {
  const UcxPlace place{end.name(), static_cast<uint32_t>(worker_.address().size()), 0};
  std::vector<std::byte> bytes(sizeof place + worker_.address().size());
  std::memcpy(bytes.data(), &place, sizeof place);
  std::memcpy(bytes.data() + sizeof place, worker_.address().data(), worker_.address().size());
  return bytes;
}

void UcxStation::admit(const JoinFrame& join, std::span<const std::byte> tail, Control control, const Add& add) {
  UcxPlace place;
  std::span<const std::byte> worker;
  if (!parse_place(tail, &place, &worker)) return Guests::refuse(control, Refusal::kNone);
  UcxEnd* end = nullptr;
  try {
    end = &make_end(UcxEnd::kReceiverSide, std::move(control));
  } catch (const std::exception&) {  // no memory
    return;
  }
  end->introduce(place.link, worker);
  auto pair = std::make_shared<ReceiverPair>(join.rank, std::make_unique<UcxLink>(*this, *end), sizes_, layout_);
  end->answer({M2N_OK, 0}, place_of(*end));
  add(std::move(pair));
}

// ---- senders ----

std::unique_ptr<Link> UcxStation::connect(uint32_t peer, const Address& address, uint64_t until_ns) {
  const Call call{peer, until_ns, [this] { progress(); }};
  Control control = reach_place(call, place_, address.place, Traffic::kWords);
  UcxEnd& end = make_end(UcxEnd::kSenderSide, Control());
  // From here on the end retires with its link, whatever happens.
  auto link = std::make_unique<UcxLink>(*this, end);
  say_join(call, control, join_of(M2N_UCX, config_, sizes_, address.place), place_of(end));
  const std::vector<std::byte> tail = await_answer(call, control);
  UcxPlace place;
  std::span<const std::byte> worker;
  if (!parse_place(tail, &place, &worker))
    throw Failure(M2N_INVALID, sentence("receiver %u answered something that is no answer", peer));
  watch(control.descriptor());
  end.use(std::move(control));
  end.introduce(place.link, worker);
  end.connect(now_ns());
  await(peer, end, until_ns, [&] { return end.is_greeted(); });
  end.exchange_numbers();
  await(peer, end, until_ns, [&] { return !end.is_sending(); });
  return link;
}

void UcxStation::await(uint32_t peer, const UcxEnd& end, uint64_t until_ns, const std::function<bool()>& is_done) {
  for (;;) {
    progress();
    if (end.is_gone()) throw Failure(M2N_PEER_LOST, sentence("receiver %u has ended before it answered", peer));
    if (is_done()) return;
    if (now_ns() >= until_ns)
      throw Failure(M2N_TIMEOUT, sentence("receiver %u was found, but nothing passes between the two over UCX", peer));
    pollfd questions[2] = {{worker_.event_descriptor(), POLLIN, 0}, {controls_.get(), POLLIN, 0}};
    if (worker_.arm()) poll(questions, 2, kSliceMs);
    controls_ready_ = true;
  }
}

}  // namespace m2n

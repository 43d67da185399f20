#include "transports/ucx/ucx_end.h"

#include <algorithm>
#include <cstring>

#include "clock.h"
#include "link.h"
#include "shared_memory.h"

namespace m2n {
namespace {

constexpr uint64_t kParcelBytes = 65536;         // of rows in one active message, so that they land while others travel
constexpr uint64_t kGreetNs = 1'000'000'000u;    // for the connection to stand, before the greeting waits inside UCX
constexpr uint64_t kDepartureNs = 200'000'000u;  // for what a peer sent before it left to arrive

WireKind arriving_at(UcxEnd::Side side) {
  return side == UcxEnd::kSenderSide ? WireKind::kResult : WireKind::kDispatch;
}

}  // namespace

UcxEnd::UcxEnd(ucx::MessageWorker& worker, Side side, const LinkName& name, Control control, const PairSizes& sizes,
               const PairLayout& layout)
    : worker_(worker),
      side_(side),
      name_(name),
      control_(std::move(control)),
      sizes_(sizes),
      layout_(layout),
      mirror_(layout),
      landing_(arriving_at(side), mirror_.view(), sizes, layout),
      parcels_per_slot_(std::max(layout.dispatch_chunks(sizes.max_rows), layout.result_chunks(sizes.max_pairs))) {
  parcels_.resize(std::size_t{parcels_per_slot_} * sizes.slots);
}

UcxEnd::~UcxEnd() = default;

void UcxEnd::introduce(const LinkName& peer, std::span<const std::byte> worker_address) {
  peer_ = peer;
  peer_worker_.assign(worker_address.begin(), worker_address.end());
}

void UcxEnd::on_failed(void* argument, ucx::Endpoint*, ucx::Status) { static_cast<UcxEnd*>(argument)->failed_ = true; }

// ---- meeting ----

void UcxEnd::connect(uint64_t now) {
  endpoint_ = worker_.connect(peer_worker_, &UcxEnd::on_failed, this);
  connecting_since_ = now;
  wants_greeting_ = true;
  hello_.end = this;
  hello_.slot = kMaxSlots;
  hello_.header = {peer_, {static_cast<uint32_t>(WireKind::kHello), 0, 0, 0, 0, 0, 0, 0}};
}

void UcxEnd::greet(uint64_t now) {
  try {
    if (endpoint_ == nullptr) connect(now);
  } catch (const Failure&) {
    failed_ = true;
    return;
  }
  wants_greeting_ = false;
  // A transport that takes nothing at once gets the greeting like any message.
  post(hello_, 0, now - connecting_since_ < kGreetNs ? ucx::kRequestOnlyAtOnce : 0);
}

void UcxEnd::exchange_numbers() {
  if (!failed_) post(hello_, 0, ucx::kRequestNeverAtOnce);
}

// ---- sending ----

void UcxEnd::send(WireKind kind, const Publication& publication) {
  if (endpoint_ == nullptr || failed_ || gone_) return;
  if (publication.first == 0) {
    // The last message from this slot has arrived, or this one could not have been asked for; UCX may not know yet.
    for (int i = 0; is_sending(publication.slot) && i < 1'000'000 && !failed_; ++i) worker_.progress();
    if (is_sending(publication.slot)) {
      failed_ = true;
      return;
    }
    taken_[publication.slot] = 0;
  }
  const MessageShape shape(kind, sizes_, layout_);
  const auto at_once =
      static_cast<uint32_t>(std::max<uint64_t>(1, kParcelBytes / (shape.rows_per_chunk() * shape.row_bytes())));
  const uint32_t end = publication.first + publication.count;
  for (uint32_t first = publication.first; first < end && !failed_;) {
    // The message's header and indices travel with the first rows.
    const uint32_t count = std::min(end - first, first == 0 ? at_once + 1 : at_once);
    Parcel& parcel = take_parcel(publication.slot);
    parcel.header = {peer_, shape.header_of(publication)};
    parcel.header.wire.first = first;
    parcel.header.wire.count = count;
    post(parcel, fill(shape, parcel));
    ++sent_;
    first += count;
  }
}

UcxEnd::Parcel& UcxEnd::take_parcel(uint32_t slot) {
  Parcel& parcel = parcels_[std::size_t{slot} * parcels_per_slot_ + taken_[slot]++];
  parcel.end = this;
  parcel.slot = slot;
  return parcel;
}

uint32_t UcxEnd::fill(const MessageShape& shape, Parcel& parcel) {
  MessageParts parts;
  const uint32_t count = shape.parts_of(parcel.header.wire, mirror_.view(), parts.data());
  for (uint32_t part = 0; part < count; ++part) parcel.parts[part] = {parts[part].iov_base, parts[part].iov_len};
  return count;
}

void UcxEnd::post(Parcel& parcel, uint32_t parts, uint32_t attributes) {
  ucx::RequestParam param{};
  param.attribute_mask =
      attributes | ucx::kRequestCallback | ucx::kRequestUserData | ucx::kRequestDatatype | ucx::kRequestFlags;
  param.flags = ucx::kAmSendEager;
  param.callback = &UcxEnd::on_sent;
  param.user_data = &parcel;
  // One part needs no list, and UCX is quicker without.
  const bool is_list = parts > 1;
  param.datatype = is_list ? ucx::kDatatypeParts : ucx::kDatatypeBytes;
  const void* buffer = is_list ? static_cast<const void*>(parcel.parts.data()) : parcel.parts[0].buffer;
  const std::size_t count = is_list ? parts : (parts == 0 ? 0 : parcel.parts[0].length);
  void* request = worker_.library().am_send_nbx(endpoint_, ucx::kMessageId, &parcel.header, sizeof parcel.header,
                                                parts == 0 ? nullptr : buffer, count, &param);
  if (request == nullptr) return;
  if (ucx::is_error(request)) {
    const bool is_too_early = attributes == ucx::kRequestOnlyAtOnce && ucx::error_of(request) == ucx::kNoResource;
    (is_too_early ? wants_greeting_ : failed_) = true;
    return;
  }
  if (parcel.slot < kMaxSlots) ++under_way_[parcel.slot];
  ++all_under_way_;
}

void UcxEnd::on_sent(void* request, ucx::Status status, void* user_data) {
  auto* parcel = static_cast<Parcel*>(user_data);
  UcxEnd& end = *parcel->end;
  if (status != ucx::kOk) end.failed_ = true;
  if (parcel->slot < kMaxSlots) --end.under_way_[parcel->slot];
  --end.all_under_way_;
  end.worker_.library().request_free(request);
}

// ---- receiving ----

void UcxEnd::receive(const WireHeader& header, const void* data, uint64_t bytes) {
  if (gone_ || broken_) return;
  if (header.kind == static_cast<uint32_t>(WireKind::kHello)) {
    if (side_ == kReceiverSide && !greeted_) wants_greeting_ = true;
    greeted_ = true;
    return;
  }
  ++received_;
  if (const char* fault = landing_.land(header, data, bytes)) {
    fault_ = fault;
    broken_ = true;
  }
}

void UcxEnd::listen() {
  if (control_.descriptor() < 0) return;
  for (;;) {
    const Control::Result result = control_.read();
    if (result == Control::kNothing) return;
    if (result == Control::kFrame && control_.frame().type() == FrameType::kGoodbye && !leaving_) {
      GoodbyeFrame goodbye;
      std::memcpy(&goodbye, control_.frame().body().data(), sizeof goodbye);
      control_.frame().pop();
      expected_ = goodbye.messages;
      leaving_ = true;
      leaving_since_ = now_ns();
      continue;
    }
    if (result == Control::kFrame || result == Control::kGarbage) {
      fault_ = "a control message out of turn";
      broken_ = true;
    }
    // The end of the connection without a word: its process is gone, and sends nothing more.
    if (!leaving_) {
      expected_ = 0;
      leaving_ = true;
      leaving_since_ = now_ns();
    }
    control_.close();
    return;
  }
}

void UcxEnd::say_goodbye() {
  if (std::exchange(left_, true) || control_.descriptor() < 0) return;
  const GoodbyeFrame goodbye{sent_};
  control_.send(FrameType::kGoodbye, &goodbye, sizeof goodbye);
}

void UcxEnd::mark_gone() {
  gone_ = true;
  PairHeader& header = mirror_.view().header();
  PairEnd& end = side_ == kSenderSide ? header.receiver : header.sender;
  store(end.state, static_cast<uint32_t>(kClosed));
}

// Results that a receiver returned before it left still count; dispatches of a sender that left are for nobody.
bool UcxEnd::settle_departure(uint64_t now) {
  if (gone_) return true;
  if (broken_ || failed_) {
    say_goodbye();
    mark_gone();
  } else if (leaving_ && (side_ == kReceiverSide || received_ >= expected_ || now - leaving_since_ >= kDepartureNs)) {
    mark_gone();
  }
  return gone_;
}

// ---- the end ----

bool UcxEnd::close(uint64_t now, uint64_t close_by) {
  const bool may_wait = now < close_by && !failed_ && !broken_ && control_.descriptor() >= 0;
  if (endpoint_ != nullptr && closing_ == nullptr) {
    if (may_wait) {
      listen();
      if (control_.descriptor() >= 0) return false;  // the peer closes its side once it has what it was sent
    }
    // To answer what it finds for a closed endpoint, UCX would open one of its own.
    for (int i = 0; i < 64 && worker_.progress() != 0; ++i) {
    }
    ucx::RequestParam param{};
    param.attribute_mask = ucx::kRequestFlags;
    param.flags = ucx::kCloseForce;
    closing_ = worker_.library().ep_close_nbx(endpoint_, &param);
    control_.close();
    if (closing_ == nullptr || ucx::is_error(closing_)) {
      endpoint_ = nullptr;
      closing_ = nullptr;
    }
  }
  if (closing_ != nullptr) {
    if (worker_.library().request_check_status(closing_) == ucx::kInProgress) return false;
    worker_.library().request_free(closing_);
    closing_ = nullptr;
    endpoint_ = nullptr;
  }
  control_.close();
  return all_under_way_ == 0;
}

}  // namespace m2n

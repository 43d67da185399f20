// One end of a pair over UCX: this side's mirror of the pair's memory, the messages under way from it, and what is known
// of the peer. It outlives its link until UCX has let go of the mirror.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_END_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_END_H

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "link.h"
#include "transports/network/control.h"
#include "transports/network/landing.h"
#include "transports/network/mirror.h"
#include "transports/ucx/ucx_wire.h"
#include "transports/ucx/ucx_worker.h"

namespace m2n {

class UcxEnd {
 public:
  enum Side { kSenderSide, kReceiverSide };

  // Takes the mirror's memory at once. `name` is how the peer is to call this end.
  UcxEnd(ucx::MessageWorker& worker, Side side, const LinkName& name, Control control, const PairSizes& sizes,
         const PairLayout& layout);
  ~UcxEnd();
  UcxEnd(const UcxEnd&) = delete;
  UcxEnd& operator=(const UcxEnd&) = delete;

  // How the peer calls its end, and where it is.
  void introduce(const LinkName& peer, std::span<const std::byte> worker_address);
  // Throws Failure if UCX sees no way to the peer. The sender connects; the receiver does once it is greeted: the two
  // never connect to each other at the same time, and UCX uses the sender's connection both ways.
  void connect(uint64_t now);
  // Sends the first message as soon as the connection stands; to be called until then.
  void greet(uint64_t now);
  // Sender side, once it is greeted back: UCX exchanges the numbers of its endpoints, which it would do with the first
  // large message otherwise. Nothing else is under way now, so that no part of that waits inside UCX (see ucx_worker.cpp);
  // it is done once nothing is being sent.
  void exchange_numbers();
  // Sender side: the connection through which the peer was found.
  void use(Control control) { control_ = std::move(control); }
  void answer(const AnswerFrame& answer, std::span<const std::byte> tail) {
    control_.send(FrameType::kAnswer, &answer, sizeof answer, tail);
  }
  void send(WireKind kind, const Publication& publication);
  // Called from within progress.
  void receive(const WireHeader& header, const void* data, uint64_t bytes);
  // Reads the control connection.
  void listen();
  void say_goodbye();
  // The peer's end is closed as soon as nothing of what it sent is missing; true once it is.
  bool settle_departure(uint64_t now);

  // Lets go of the mirror; true once UCX has. `now` past `close_by` does not wait for messages under way.
  bool close(uint64_t now, uint64_t close_by);

  const LinkName& name() const { return name_; }
  std::byte* base() const { return mirror_.base(); }
  const Control& control() const { return control_; }
  bool is_greeted() const { return greeted_; }
  bool is_gone() const { return gone_; }
  bool needs_attention() const { return wants_greeting_ || failed_ || leaving_ || broken_; }
  bool is_to_greet() const { return wants_greeting_; }
  bool is_sending(uint32_t slot) const { return under_way_[slot] != 0; }
  bool is_sending() const { return all_under_way_ != 0; }
  const char* fault() const { return fault_; }

 private:
  // A message handed to UCX, which reads header and parts until it is done.
  struct Parcel {
    UcxEnd* end;
    uint32_t slot;
    UcxHeader header;
    std::array<ucx::Part, kMostParts> parts;
  };

  Parcel& take_parcel(uint32_t slot);
  uint32_t fill(const MessageShape& shape, Parcel& parcel);
  void post(Parcel& parcel, uint32_t parts, uint32_t attributes = 0);
  void mark_gone();

  static void on_failed(void* argument, ucx::Endpoint* endpoint, ucx::Status status);
  static void on_sent(void* request, ucx::Status status, void* user_data);

  ucx::MessageWorker& worker_;
  Side side_;
  LinkName name_, peer_{};
  std::vector<std::byte> peer_worker_;  // its address
  Control control_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  Mirror mirror_;
  Landing landing_;
  ucx::Endpoint* endpoint_ = nullptr;
  void* closing_ = nullptr;
  std::vector<Parcel> parcels_;  // [slots][per slot]
  uint32_t parcels_per_slot_;
  std::array<uint32_t, kMaxSlots> taken_{}, under_way_{};
  uint32_t all_under_way_ = 0;
  Parcel hello_{};
  uint64_t sent_ = 0, received_ = 0, expected_ = 0;
  uint64_t connecting_since_ = 0, leaving_since_ = 0;
  const char* fault_ = nullptr;
  bool greeted_ = false;         // by the peer
  bool wants_greeting_ = false;  // the peer, by this side
  bool left_ = false;            // this side has said goodbye
  bool leaving_ = false;         // the peer has said goodbye, or its connection has ended
  bool failed_ = false;          // UCX has given it up
  bool broken_ = false;          // it broke the protocol
  bool gone_ = false;
};

}  // namespace m2n

#endif

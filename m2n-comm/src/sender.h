// The sender's side: an attention node's connections to receivers, its slots and its tickets.
#ifndef M2N_SRC_SENDER_H
#define M2N_SRC_SENDER_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "address.h"
#include "endpoint.h"

namespace m2n {

class Sender final : public Endpoint {
 public:
  explicit Sender(const m2n_config& config);
  ~Sender() override;

  m2n_status connect(uint32_t peer, const uint8_t* address, uint32_t length, uint32_t wait_us);
  m2n_status disconnect(uint32_t peer);
  m2n_status peer_state(uint32_t peer);
  m2n_status peer_transport(uint32_t peer, int32_t* transport);
  m2n_status slot_open(uint32_t slot, uint32_t peer, uint32_t rows, uint32_t pairs, uint32_t groups,
                       m2n_slot_view* out);
  // `whole`: the rows are written; else they follow by dispatch_rows.
  m2n_status dispatch(uint32_t slot, const m2n_message* message, bool whole, m2n_ticket* out);
  m2n_status dispatch_rows(m2n_ticket ticket, uint32_t peer, uint32_t rows);
  m2n_status results_wait(m2n_ticket ticket, uint32_t peer, uint32_t pairs, uint32_t wait_us, const void** rows,
                          uint32_t* available);
  m2n_status combine(m2n_ticket ticket, uint32_t wait_us, m2n_result* results, uint32_t capacity, uint32_t* count);
  m2n_status release(m2n_ticket ticket);

 protected:
  uint32_t peer_count() const override;

 private:
  // One slot towards one receiver: free -> open -> sent -> free, or sent -> abandoned -> free where the ticket did not
  // wait for the result.
  struct PairSlot {
    enum State { kFree, kOpen, kSent, kAbandoned } state = kFree;
    uint64_t sequence = 0;   // messages sent so far
    uint64_t published = 0;  // own counter, as in PairEnd::arrived
    uint64_t seen = 0;       // the peer's counter after its last whole result
    uint32_t rows = 0;
    uint32_t pairs = 0;
    uint32_t groups = 0;
    uint32_t chunks = 0;  // of the message that was sent last
    uint32_t told = 0;    // how many of them are published
  };
  struct Pair {
    uint32_t peer = 0;
    std::unique_ptr<Link> link;
    PairView view;
    bool lost = false;    // the peer has left or died, or was dropped here; what it returned before still counts
    bool broken = false;  // it broke the protocol: nothing it wrote counts
    std::array<PairSlot, kMaxSlots> slots;
  };
  // A ticket's part for one receiver. Holds the pair, so that results stay mapped until the release whatever becomes of
  // the peer.
  struct TicketPiece {
    std::shared_ptr<Pair> pair;
    m2n_result result;  // status M2N_PENDING until it has ended
  };
  struct Slot {
    enum State { kFree, kOpen, kDispatched } state = kFree;
    uint64_t use = 0;
    uint64_t deadline_ns = 0;
    std::vector<TicketPiece> pieces;  // never grows beyond its first capacity
  };

  Pair* find(uint32_t peer) const;
  void drop(Pair& pair);
  bool has_left(Pair& pair);  // said so, or was dropped here
  bool is_lost(Pair& pair);   // has left, or died
  void add_piece(Slot& ticket, const Pair& pair);
  void publish(Pair& pair, uint32_t slot, const m2n_message& message, bool whole);
  void publish_up_to(Pair& pair, uint32_t slot, uint32_t chunks);
  TicketPiece* find_piece(Slot& ticket, uint32_t peer);
  // Result rows that have come of a piece that is not settled.
  uint32_t early_results(Pair& pair, uint32_t slot) const;
  // Takes the result out of the slot if it is there: its end as a status, M2N_PENDING if it is not.
  int32_t take_result(Pair& pair, uint32_t slot, ResultHeader* header);
  void settle_piece(TicketPiece& piece, uint32_t slot);
  bool settle(Slot& ticket, uint32_t slot);
  void expire(Slot& ticket, uint32_t slot);
  void check_peers();
  Slot* find_ticket(m2n_ticket ticket, uint32_t* slot);

  std::vector<std::shared_ptr<Pair>> pairs_;
  std::array<Slot, kMaxSlots> slots_;
  uint64_t checked_ns_ = 0;  // when peers were last asked whether they live
};

}  // namespace m2n

#endif

#include "sender.h"

#include <algorithm>
#include <cstring>

#include "arrival.h"
#include "failure.h"

namespace m2n {
namespace {

constexpr uint64_t kLifeCheckNs = 4'000'000;  // a dead receiver is noticed within this, plus a scheduling delay
constexpr int kMostMoves = 1'000;
constexpr uint32_t kUseShift = 4;  // a ticket is (use of the slot, slot)
static_assert(kMaxSlots <= 1u << kUseShift);

bool is_answer(int32_t status) {
  return status == M2N_OK || status == M2N_INVALID || status == M2N_INTERNAL || status == M2N_VERSION_MISSING ||
         status == M2N_MISPLACED;
}

}  // namespace

Sender::Sender(const m2n_config& config) : Endpoint(config) {
  pairs_.reserve(config.max_peers);
  for (Slot& slot : slots_) slot.pieces.reserve(config.max_peers);
}

Sender::~Sender() {
  for (const auto& pair : pairs_) drop(*pair);
}

uint32_t Sender::peer_count() const {
  return static_cast<uint32_t>(
      std::count_if(pairs_.begin(), pairs_.end(), [](const auto& pair) { return !pair->lost; }));
}

Sender::Pair* Sender::find(uint32_t peer) const {
  for (const auto& pair : pairs_)
    if (pair->peer == peer) return pair.get();
  return nullptr;
}

// ---- set-up ----

m2n_status Sender::connect(uint32_t peer, const uint8_t* bytes, uint32_t length, uint32_t wait_us) {
  const uint64_t until_ns = after_us(now_ns(), wait_us);
  const Address address = parse_receiver_address(bytes, length, config_.transport);
  if (Pair* known = find(peer); known != nullptr && !is_lost(*known))
    return fail(M2N_INVALID, "peer %u is connected already", peer);
  std::erase_if(pairs_, [](const auto& pair) { return pair->lost; });
  if (pairs_.size() == config_.max_peers)
    return fail(M2N_REFUSED, "%u peers are connected, which is max_peers", config_.max_peers);
  auto pair = std::make_shared<Pair>();
  pair->peer = peer;
  pair->link = connect_link(peer, address, until_ns);
  pair->view = PairView(pair->link->base(), pair->link->row_memory(), layout_);
  pairs_.push_back(std::move(pair));
  return M2N_OK;
}

m2n_status Sender::disconnect(uint32_t peer) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& pair) { return pair->peer == peer; });
  if (found == pairs_.end()) return M2N_OK;
  drop(**found);
  pairs_.erase(found);
  return M2N_OK;
}

// From now on every open piece of this pair ends with M2N_PEER_LOST.
void Sender::drop(Pair& pair) {
  pair.lost = true;
  pair.link->leave();
}

bool Sender::has_left(Pair& pair) {
  if (!pair.lost && load(pair.view.header().receiver.state) == kClosed) drop(pair);
  return pair.lost;
}

bool Sender::is_lost(Pair& pair) {
  if (!has_left(pair) && !pair.link->alive()) drop(pair);
  return pair.lost;
}

m2n_status Sender::peer_state(uint32_t peer) {
  progress();
  Pair* pair = find(peer);
  return pair == nullptr || is_lost(*pair) ? M2N_PEER_LOST : M2N_OK;
}

m2n_status Sender::peer_transport(uint32_t peer, int32_t* transport) {
  const Pair* pair = find(peer);
  if (transport == nullptr) return fail(M2N_INVALID, "transport must not be NULL");
  if (pair == nullptr) return fail(M2N_PEER_LOST, "receiver %u is not connected", peer);
  *transport = pair->link->transport();
  return M2N_OK;
}

// ---- from open to dispatched ----

m2n_status Sender::slot_open(uint32_t slot, uint32_t peer, uint32_t rows, uint32_t pairs, uint32_t groups,
                             m2n_slot_view* out) {
  if (out == nullptr || slot >= sizes_.slots)
    return fail(M2N_INVALID, "slot %u does not exist; there are %u", slot, sizes_.slots);
  if (rows > sizes_.max_rows || pairs > sizes_.max_pairs || groups > sizes_.max_groups)
    return fail(M2N_INVALID, "%u rows, %u pairs and %u groups do not fit a slot", rows, pairs, groups);
  Slot& ticket = slots_[slot];
  if (ticket.state == Slot::kDispatched) return fail(M2N_INVALID, "slot %u is dispatched and not released yet", slot);
  Pair* pair = find(peer);
  if (pair == nullptr || has_left(*pair)) return fail(M2N_PEER_LOST, "receiver %u is not connected", peer);
  PairSlot& state = pair->slots[slot];
  if (pair->link->is_sending(slot)) progress();
  if (pair->link->is_sending(slot)) return fail(M2N_PENDING, "slot %u is still on its way to receiver %u", slot, peer);
  if (state.state == PairSlot::kAbandoned) {
    progress();
    ResultHeader late;
    if (take_result(*pair, slot, &late) == M2N_PENDING)
      return is_lost(*pair) ? fail(M2N_PEER_LOST, "receiver %u is lost", peer)
                            : fail(M2N_PENDING, "receiver %u still holds an abandoned piece of slot %u", peer, slot);
    if (pair->lost) return fail(M2N_PEER_LOST, "receiver %u broke the protocol", peer);
    state.state = PairSlot::kFree;
  }
  if (state.state == PairSlot::kFree) {
    add_piece(ticket, *pair);
    ticket.state = Slot::kOpen;
    state.state = PairSlot::kOpen;
  }
  state.rows = rows;
  state.pairs = pairs;
  state.groups = groups;
  *out = {pair->view.rows(slot), pair->view.row_of_pair(slot), pair->view.groups(slot)};
  return M2N_OK;
}

// A piece opened for an earlier connection to the same receiver gives way.
void Sender::add_piece(Slot& ticket, const Pair& pair) {
  std::erase_if(ticket.pieces, [&](const TicketPiece& piece) { return piece.pair->peer == pair.peer; });
  const auto owner =
      std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& known) { return known.get() == &pair; });
  ticket.pieces.push_back({*owner, {}});
}

m2n_status Sender::dispatch(uint32_t slot, const m2n_message* message, bool whole, m2n_ticket* out) {
  if (message == nullptr || out == nullptr || slot >= sizes_.slots)
    return fail(M2N_INVALID, "slot %u does not exist; there are %u", slot, sizes_.slots);
  if (message->deadline_us == 0 || message->reserved != 0)
    return fail(M2N_INVALID, "a dispatch needs a deadline: every wait is bounded");
  Slot& ticket = slots_[slot];
  if (ticket.state == Slot::kDispatched) return fail(M2N_INVALID, "slot %u is dispatched and not released yet", slot);
  ticket.state = Slot::kDispatched;
  ++ticket.use;
  for (TicketPiece& piece : ticket.pieces) {
    Pair& pair = *piece.pair;
    piece.result = {nullptr, pair.peer, pair.lost ? M2N_PEER_LOST : M2N_PENDING, pair.slots[slot].pairs, 0, 0, 0};
    if (!pair.lost) publish(pair, slot, *message, whole);
  }
  // Rung after all are published: a receiver that wakes up at once must not take this core from the pieces still to
  // come.
  for (TicketPiece& piece : ticket.pieces)
    if (piece.result.status == M2N_PENDING) piece.pair->link->ring();
  ticket.deadline_ns = after_us(now_ns(), message->deadline_us);  // read once the peers have what they wait for
  *out = ticket.use << kUseShift | slot;
  return M2N_OK;
}

void Sender::publish(Pair& pair, uint32_t slot, const m2n_message& message, bool whole) {
  PairSlot& state = pair.slots[slot];
  ++state.sequence;
  state.chunks = layout_.dispatch_chunks(state.rows);
  // A message without rows has nothing to wait for.
  state.told = whole || state.rows == 0 ? state.chunks : 1;
  const DispatchHeader header{state.sequence, message.version, message.epoch, message.tag, state.rows,
                              state.pairs,    state.groups,    state.chunks,  {}};
  std::memcpy(pair.view.dispatch(slot), &header, sizeof header);
  state.published = Arrival::after(state.published, state.told);
  state.state = PairSlot::kSent;
  pair.link->publish_dispatch(
      {slot, state.rows, state.pairs, state.groups, state.chunks, 0, state.told, state.published});
  ++counters_.messages;
  counters_.bytes += uint64_t{state.rows} * sizes_.row_bytes;
}

void Sender::publish_up_to(Pair& pair, uint32_t slot, uint32_t chunks) {
  PairSlot& state = pair.slots[slot];
  if (chunks <= state.told) return;
  const uint32_t count = chunks - state.told;
  state.published = Arrival::plus(state.published, count);
  pair.link->publish_dispatch(
      {slot, state.rows, state.pairs, state.groups, state.chunks, state.told, count, state.published});
  state.told = chunks;
  pair.link->ring();
}

m2n_status Sender::dispatch_rows(m2n_ticket number, uint32_t peer, uint32_t rows) {
  uint32_t slot;
  Slot* ticket = find_ticket(number, &slot);
  if (ticket == nullptr) return fail(M2N_INVALID, "this ticket was released, or never was one");
  TicketPiece* piece = find_piece(*ticket, peer);
  if (piece == nullptr) return fail(M2N_INVALID, "the ticket has no piece for receiver %u", peer);
  Pair& pair = *piece->pair;
  const PairSlot& state = pair.slots[slot];
  if (rows > state.rows) return fail(M2N_INVALID, "the piece has %u rows, not %u", state.rows, rows);
  if (has_left(pair)) return fail(M2N_PEER_LOST, "receiver %u is lost", peer);
  publish_up_to(pair, slot, rows == state.rows ? state.chunks : 1 + rows / layout_.rows_per_chunk);
  return M2N_OK;
}

Sender::TicketPiece* Sender::find_piece(Slot& ticket, uint32_t peer) {
  for (TicketPiece& piece : ticket.pieces)
    if (piece.pair->peer == peer) return &piece;
  return nullptr;
}

// ---- from dispatched to released ----

int32_t Sender::take_result(Pair& pair, uint32_t slot, ResultHeader* header) {
  PairSlot& state = pair.slots[slot];
  const uint64_t counter = load(pair.view.header().receiver.arrived[slot]);
  if (counter == state.seen) return M2N_PENDING;
  const Arrival arrival(state.seen, counter);
  if (arrival.has_header() && !arrival.is_absurd()) {
    if (layout_.row_memory_bytes == 0) prefetch(pair.view.results(slot), 8);
    copy_once(header, pair.view.result(slot), sizeof *header);
    if (arrival.is_whole(header->chunks)) {
      state.seen = counter;
      const bool is_ours = header->sequence == state.sequence && is_answer(header->status) &&
                           (header->status != M2N_OK || header->pairs == state.pairs);
      return is_ours ? header->status : M2N_INVALID;
    }
    if (header->chunks <= kMaxChunks && !arrival.is_too_much(header->chunks)) return M2N_PENDING;
  } else if (!arrival.is_absurd()) {
    return M2N_PENDING;
  }
  // The counter means nothing any more, so nothing else of this pair can be believed either.
  pair.broken = true;
  drop(pair);
  return M2N_INVALID;
}

void Sender::settle_piece(TicketPiece& piece, uint32_t slot) {
  Pair& pair = *piece.pair;
  // Asked before the result is looked for: what a receiver returned before it left still counts.
  const bool is_gone = has_left(pair);
  ResultHeader header;
  const int32_t status = pair.broken ? M2N_PEER_LOST : take_result(pair, slot, &header);
  if (status == M2N_PENDING) {
    if (is_gone) piece.result.status = M2N_PEER_LOST;
    return;
  }
  piece.result.status = status;
  pair.slots[slot].state = PairSlot::kFree;
  if (status == M2N_INVALID) ++counters_.invalid;
  if (pair.broken) return;
  piece.result.hold_ns = header.hold_ns;
  piece.result.compute_ns = header.compute_ns;
  if (status != M2N_OK) return;
  piece.result.rows = pair.view.results(slot);
  counters_.bytes += uint64_t{piece.result.pairs} * sizes_.result_bytes;
}

// Whether every piece has ended.
bool Sender::settle(Slot& ticket, uint32_t slot) {
  progress();
  bool all = true;
  for (TicketPiece& piece : ticket.pieces) {
    if (piece.result.status == M2N_PENDING) settle_piece(piece, slot);
    all &= piece.result.status != M2N_PENDING;
  }
  return all;
}

// All of them, not only this ticket's: callers may look at several tickets in turn, and the clock is one.
void Sender::check_peers() {
  const uint64_t now = now_ns();
  if (now - checked_ns_ < kLifeCheckNs) return;
  checked_ns_ = now;
  for (const auto& pair : pairs_) is_lost(*pair);
}

void Sender::expire(Slot& ticket, uint32_t slot) {
  for (TicketPiece& piece : ticket.pieces) {
    if (piece.result.status != M2N_PENDING) continue;
    piece.result.status = M2N_TIMEOUT;
    piece.pair->slots[slot].state = PairSlot::kAbandoned;
  }
}

m2n_status Sender::combine(m2n_ticket number, uint32_t wait_us, m2n_result* results, uint32_t capacity,
                           uint32_t* count) {
  uint32_t slot;
  Slot* ticket = find_ticket(number, &slot);
  if (ticket == nullptr || count == nullptr) return fail(M2N_INVALID, "this ticket was released, or never was one");
  if (capacity < ticket->pieces.size() || (results == nullptr && capacity > 0))
    return fail(M2N_INVALID, "the ticket has %zu pieces and there is room for %u results", ticket->pieces.size(),
                capacity);
  *count = 0;
  if (!settle(*ticket, slot)) {
    const uint64_t until_ns = std::min(ticket->deadline_ns, after_us(now_ns(), wait_us));
    const auto look = [&] { return settle(*ticket, slot) ? 0 : kNever; };
    check_peers();
    const WaitEnd end = waiter_.wait(until_ns, kLifeCheckNs, look, [this] { check_peers(); });
    if (end == WaitEnd::kWoken) return M2N_WOKEN;
    if (end == WaitEnd::kPassed) {
      if (now_ns() < ticket->deadline_ns) return M2N_PENDING;
      if (!settle(*ticket, slot)) expire(*ticket, slot);
    }
  }
  for (const TicketPiece& piece : ticket->pieces) results[(*count)++] = piece.result;
  return M2N_OK;
}

uint32_t Sender::early_results(Pair& pair, uint32_t slot) const {
  const PairSlot& state = pair.slots[slot];
  const Arrival arrival(state.seen, load(pair.view.header().receiver.arrived[slot]));
  if (!arrival.has_header() || arrival.is_absurd()) return 0;
  ResultHeader header;
  copy_once(&header, pair.view.result(slot), sizeof header);
  if (header.sequence != state.sequence || header.status != M2N_OK || header.pairs != state.pairs) return 0;
  return static_cast<uint32_t>(
      std::min<uint64_t>(state.pairs, uint64_t{arrival.pieces() - 1} * layout_.results_per_chunk));
}

m2n_status Sender::results_wait(m2n_ticket number, uint32_t peer, uint32_t pairs, uint32_t wait_us, const void** rows,
                                uint32_t* available) {
  uint32_t slot;
  Slot* ticket = find_ticket(number, &slot);
  if (ticket == nullptr || rows == nullptr || available == nullptr)
    return fail(M2N_INVALID, "this ticket was released, or never was one");
  TicketPiece* piece = find_piece(*ticket, peer);
  if (piece == nullptr) return fail(M2N_INVALID, "the ticket has no piece for receiver %u", peer);
  Pair& pair = *piece->pair;
  if (pairs > piece->result.pairs)
    return fail(M2N_INVALID, "the piece has %u pairs, not %u", piece->result.pairs, pairs);
  const auto look = [&]() -> uint64_t {
    progress();
    *available = 0;
    if (piece->result.status == M2N_PENDING) *available = early_results(pair, slot);
    if (*available >= pairs && *available > 0) return 0;
    if (piece->result.status == M2N_PENDING) settle_piece(*piece, slot);
    return piece->result.status != M2N_PENDING ? 0 : kNever;
  };
  const uint64_t until_ns = std::min(ticket->deadline_ns, after_us(now_ns(), wait_us));
  check_peers();
  switch (waiter_.wait(until_ns, kLifeCheckNs, look, [this] { check_peers(); })) {
    case WaitEnd::kWoken:
      return M2N_WOKEN;
    case WaitEnd::kPassed:
      return now_ns() < ticket->deadline_ns ? M2N_PENDING : M2N_TIMEOUT;
    default:
      break;
  }
  if (piece->result.status == M2N_OK) *available = piece->result.pairs;
  *rows = pair.view.results(slot);
  const bool is_there = piece->result.status == M2N_OK || piece->result.status == M2N_PENDING;
  return is_there ? M2N_OK : static_cast<m2n_status>(piece->result.status);
}

m2n_status Sender::release(m2n_ticket number) {
  uint32_t slot;
  Slot* ticket = find_ticket(number, &slot);
  if (ticket == nullptr) return fail(M2N_INVALID, "this ticket was released, or never was one");
  for (TicketPiece& piece : ticket->pieces) {
    PairSlot& state = piece.pair->slots[slot];
    if (state.state == PairSlot::kSent) state.state = PairSlot::kAbandoned;
    // A message that stayed in pieces would keep the slot for ever.
    if (!piece.pair->lost) publish_up_to(*piece.pair, slot, state.chunks);
  }
  ticket->pieces.clear();
  ticket->state = Slot::kFree;
  return M2N_OK;
}

Sender::Slot* Sender::find_ticket(m2n_ticket number, uint32_t* slot) {
  *slot = static_cast<uint32_t>(number & (kMaxSlots - 1));
  Slot& ticket = slots_[*slot];
  return ticket.state == Slot::kDispatched && ticket.use == number >> kUseShift ? &ticket : nullptr;
}

}  // namespace m2n

#include "receiver.h"

#include <algorithm>
#include <cstring>

#include "arrival.h"
#include "failure.h"
#include "piece_check.h"

namespace m2n {
namespace {

constexpr uint64_t kHouseNs = 50'000'000;  // between two looks for dead senders, while there is work
// While there is none, a dead sender holds nothing that anybody waits for, and each look costs a wake-up.
constexpr uint64_t kIdleHouseNs = 250'000'000;

bool is_answer(int32_t status) {
  return status == M2N_OK || status == M2N_VERSION_MISSING || status == M2N_MISPLACED || status == M2N_INTERNAL;
}

}  // namespace

Receiver::Receiver(const m2n_config& config) : Endpoint(config) {
  pairs_.reserve(config.max_peers);
  phases_.reserve(config.max_peers);
  ready_.reserve(std::size_t{config.max_peers} * config.slots);
  chosen_.resize(config.max_peers);
  pieces_.reserve(config.max_peers);
  batch_.reserve(config.max_peers);
}

Receiver::~Receiver() {
  while (!pairs_.empty()) drop(static_cast<uint32_t>(pairs_.size() - 1));
}

uint32_t Receiver::peer_count() const { return static_cast<uint32_t>(pairs_.size()); }

// ---- receive ----

m2n_status Receiver::check_gather(const m2n_gather* gather) const {
  if (!batch_.empty()) return fail(M2N_INVALID, "the last batch is not returned yet");
  if (gather == nullptr || gather->tag_count == 0 || gather->early > 1)
    return fail(M2N_INVALID, "a gather needs at least one tag");
  return M2N_OK;
}

m2n_status Receiver::receive(const m2n_gather* gather, uint32_t wait_us, m2n_batch* out) {
  if (const m2n_status status = check_gather(gather); status != M2N_OK || out == nullptr)
    return status != M2N_OK ? status : M2N_INVALID;
  if (gather->tag_count != tag_count_) {
    tag_count_ = gather->tag_count;
    last_tag_ %= tag_count_;
    refuse_foreign_tags();
  }
  takes_early_ = gather->early != 0;
  const uint64_t now = now_ns();
  if (now - checked_ns_ >= kHouseNs) keep_house();
  GatherDecision decision{};
  const auto look = [&]() -> uint64_t {
    decision = look_around(*gather);
    if (decision.action == GatherDecision::kServe) return 0;
    return decision.action == GatherDecision::kWait ? decision.until_ns : kNever;
  };
  const auto each_slice = [&] {
    if (now_ns() - checked_ns_ >= kHouseNs) keep_house();
  };
  switch (waiter_.wait(after_us(now, wait_us), kIdleHouseNs, look, each_slice)) {
    case WaitEnd::kReady:
      serve(decision, *gather, out);
      return M2N_OK;
    case WaitEnd::kWoken:
      return M2N_WOKEN;
    default:
      return M2N_PENDING;
  }
}

GatherState Receiver::state_of(const m2n_gather& gather, uint64_t now) const {
  return {ready_, phases_, tag_count_, served_, last_tag_, gather.max_pairs, uint64_t{gather.window_us} * 1000, now};
}

GatherDecision Receiver::look_around(const m2n_gather& gather) {
  looked_ns_ = 0;
  collect();
  return ready_.empty() ? GatherDecision{} : decide(state_of(gather, look_ns()));
}

uint64_t Receiver::look_ns() {
  if (looked_ns_ == 0) looked_ns_ = now_ns();
  return looked_ns_;
}

void Receiver::collect() {
  for (const auto& station : stations_) {
    station->progress();
    if (station->has_news()) accept(*station);
  }
  for (uint32_t sender = 0; sender < pairs_.size();) {
    const bool stays = !has_left(*pairs_[sender]) && collect_pair(sender);
    if (stays)
      ++sender;
    else
      drop(sender);
  }
}

// False if the sender broke the protocol in a way that no answer can mend.
bool Receiver::collect_pair(uint32_t sender) {
  Pair& pair = *pairs_[sender];
  for (uint32_t slot = 0; slot < sizes_.slots; ++slot) {
    Pair::Slot& state = pair.slots[slot];
    if (state.state == Pair::Slot::kDraining) drain(pair, slot);
    if (state.state != Pair::Slot::kIdle) continue;
    const uint64_t counter = load(pair.view.header().sender.arrived[slot]);
    if (counter == state.seen) continue;
    const Arrival arrival(state.seen, counter);
    if (arrival.is_absurd()) return false;
    if (!arrival.has_header()) continue;
    prefetch(pair.view.dispatch(slot));
    prefetch(pair.view.groups(slot));
    prefetch(pair.view.row_of_pair(slot));
    if (arrival.pieces() > 1 && layout_.row_memory_bytes == 0) prefetch(pair.view.rows(slot), 8);
    copy_once(&state.header, pair.view.dispatch(slot), sizeof state.header);
    if (arrival.is_too_much(state.header.chunks) || state.header.chunks > kMaxChunks) return false;
    state.is_whole = arrival.is_whole(state.header.chunks);
    if (!state.is_whole && !takes_early_) continue;
    if (state.is_whole) state.seen = counter;
    state.told = 0;
    ++state.sequence;
    state.seen_ns = look_ns();
    take_in(sender, slot);
  }
  return !pair.is_broken;
}

void Receiver::take_in(uint32_t sender, uint32_t slot) {
  Pair& pair = *pairs_[sender];
  Pair::Slot& state = pair.slots[slot];
  if (!read_piece(pair, slot) || state.header.tag >= tag_count_) {
    ++counters_.invalid;
    answer(pair, slot, M2N_INVALID, 0);
    pair.link->ring();
    return;
  }
  state.state = Pair::Slot::kReady;
  ++counters_.messages;
  counters_.bytes += uint64_t{state.header.rows} * sizes_.row_bytes;
  ready_.push_back({sender, slot, state.header.tag, state.header.pairs, state.header.version, state.seen_ns});
}

// Copies the index arrays once and checks the copies.
bool Receiver::read_piece(Pair& pair, uint32_t slot) const {
  Pair::Slot& state = pair.slots[slot];
  const DispatchHeader& header = state.header;
  if (!is_valid_header(header, state.sequence, sizes_)) return false;
  copy_once(state.groups.data(), pair.view.groups(slot), header.groups * sizeof(m2n_group));
  copy_once(state.row_of_pair.data(), pair.view.row_of_pair(slot), header.pairs * sizeof(uint32_t));
  return are_valid_groups({state.groups.data(), header.groups}, header.pairs) &&
         are_valid_rows({state.row_of_pair.data(), header.pairs}, header.rows);
}

// Pieces seen under a larger tag count are out of contract under a smaller one.
void Receiver::refuse_foreign_tags() {
  std::erase_if(ready_, [this](const ReadyPiece& piece) {
    if (piece.tag < tag_count_) return false;
    Pair& pair = *pairs_[piece.sender];
    ++counters_.invalid;
    answer(pair, piece.slot, M2N_INVALID, 0);
    pair.link->ring();
    return true;
  });
}

// ---- senders come and go ----

bool Receiver::has_left(const Pair& pair) { return load(pair.view.header().sender.state) == kClosed; }

void Receiver::accept(Station& station) {
  station.accept([this](uint32_t rank) { return room_for(rank); },
                 [this](std::shared_ptr<Pair> pair) {
                   pairs_.push_back(std::move(pair));
                   phases_.push_back({true, false, 0});
                 });
}

Refusal Receiver::room_for(uint32_t rank) {
  for (uint32_t sender = 0; sender < pairs_.size(); ++sender) {
    if (pairs_[sender]->rank != rank) continue;
    if (!has_left(*pairs_[sender]) && pairs_[sender]->link->alive()) return Refusal::kRankTaken;
    drop(sender);
    break;
  }
  return pairs_.size() < config_.max_peers ? Refusal::kNone : Refusal::kFull;
}

void Receiver::keep_house() {
  checked_ns_ = now_ns();
  for (uint32_t sender = 0; sender < pairs_.size();) {
    if (pairs_[sender]->link->alive())
      ++sender;
    else
      drop(sender);
  }
  for (const auto& station : stations_) {
    accept(*station);
    station->keep_house(checked_ns_);
  }
}

void Receiver::drop(uint32_t sender) {
  Pair& pair = *pairs_[sender];
  pair.link->leave();
  std::erase_if(ready_, [&](const ReadyPiece& piece) { return piece.sender == sender; });
  for (ReadyPiece& piece : ready_)
    if (piece.sender > sender) --piece.sender;
  pairs_.erase(pairs_.begin() + sender);
  phases_.erase(phases_.begin() + sender);
}

// ---- the batch ----

void Receiver::serve(const GatherDecision& decision, const m2n_gather& gather, m2n_batch* out) {
  const uint32_t count =
      choose(state_of(gather, looked_ns_), decision.tag, decision.version, {chosen_.data(), pairs_.size()});
  const uint64_t first_ns = ready_[chosen_[0]].seen_ns;
  for (uint32_t i = 0; i < count; ++i) take_piece(ready_[chosen_[i]]);
  // Chosen in ascending order, so that removing from the back keeps the other indices.
  for (uint32_t i = count; i-- > 0;) ready_.erase(ready_.begin() + chosen_[i]);
  served_ = true;
  last_tag_ = decision.tag;
  if (count > 1) ++counters_.gathered;
  *out = {pieces_.data(), count, decision.tag, decision.version, looked_ns_ - first_ns};
}

void Receiver::take_piece(const ReadyPiece& ready) {
  const std::shared_ptr<Pair>& pair = pairs_[ready.sender];
  Pair::Slot& slot = pair->slots[ready.slot];
  slot.state = Pair::Slot::kWorking;
  phases_[ready.sender] = {true, true, ready.tag};
  pieces_.push_back({pair->view.rows(ready.slot), pair->view.results(ready.slot), slot.row_of_pair.data(),
                     slot.groups.data(), slot.header.rows, slot.header.pairs, slot.header.groups, pair->rank,
                     ready.slot, 0, slot.header.epoch, batch_.size()});
  batch_.push_back({pair, false});
}

bool Receiver::is_current(const m2n_batch* batch) const {
  return batch != nullptr && !batch_.empty() && batch->pieces == pieces_.data() && batch->count == batch_.size();
}

uint32_t Receiver::rows_here(Pair& pair, uint32_t slot) {
  Pair::Slot& state = pair.slots[slot];
  if (state.is_whole) return state.header.rows;
  const uint64_t counter = load(pair.view.header().sender.arrived[slot]);
  const Arrival arrival(state.seen, counter);
  if (arrival.is_absurd() || !arrival.has_header() || arrival.is_too_much(state.header.chunks)) {
    pair.is_broken = true;
    return 0;
  }
  if (arrival.is_whole(state.header.chunks)) {
    state.is_whole = true;
    state.seen = counter;
    return state.header.rows;
  }
  return static_cast<uint32_t>(
      std::min<uint64_t>(state.header.rows, uint64_t{arrival.pieces() - 1} * layout_.rows_per_chunk));
}

m2n_status Receiver::rows_wait(const m2n_batch* batch, uint32_t piece, uint32_t rows, uint32_t wait_us,
                               uint32_t* available) {
  if (!is_current(batch) || available == nullptr)
    return fail(M2N_INVALID, "this is not the batch that was received last, or it is returned already");
  if (piece >= batch_.size() || batch_[piece].returned || rows > pieces_[piece].rows_count)
    return fail(M2N_INVALID, "piece %u is not in the batch, is returned already, or has fewer rows", piece);
  Pair& pair = *batch_[piece].pair;
  const uint32_t slot = pieces_[piece].slot;
  const auto look = [&]() -> uint64_t {
    for (const auto& station : stations_) station->progress();
    *available = rows_here(pair, slot);
    return *available >= rows || pair.is_broken || has_left(pair) ? 0 : kNever;
  };
  const uint64_t until_ns = after_us(now_ns(), wait_us);
  while (waiter_.wait_through(std::min(until_ns, now_ns() + kHouseNs), look) == WaitEnd::kPassed) {
    if (!pair.link->alive()) return fail(M2N_PEER_LOST, "sender %u has ended", pair.rank);
    if (now_ns() >= until_ns) return M2N_PENDING;
  }
  if (*available >= rows) return M2N_OK;
  return pair.is_broken ? fail(M2N_INVALID, "sender %u broke the protocol", pair.rank)
                        : fail(M2N_PEER_LOST, "sender %u has left", pair.rank);
}

m2n_status Receiver::return_rows(const m2n_batch* batch, uint32_t piece, uint32_t pairs) {
  if (!is_current(batch))
    return fail(M2N_INVALID, "this is not the batch that was received last, or it is returned already");
  if (piece >= batch_.size() || batch_[piece].returned || pairs > pieces_[piece].pairs)
    return fail(M2N_INVALID, "piece %u is not in the batch, is returned already, or has fewer pairs", piece);
  Pair& pair = *batch_[piece].pair;
  const uint32_t slot = pieces_[piece].slot, all = pieces_[piece].pairs;
  const uint32_t chunks = layout_.result_chunks(all);
  // The last chunk is left to m2n_return, which ends the piece.
  const uint32_t written = std::min(1 + pairs / layout_.results_per_chunk, chunks - 1);
  if (pair.slots[slot].told == 0) {
    if (written < 2) return M2N_OK;
    begin_answer(pair, slot, M2N_OK, 0, all, written);
  } else {
    publish_results(pair, slot, written);
  }
  pair.link->ring();
  return M2N_OK;
}

m2n_status Receiver::return_batch(const m2n_batch* batch, int32_t status, uint64_t compute_ns) {
  if (!is_current(batch))
    return fail(M2N_INVALID, "this is not the batch that was received last, or it is returned already");
  if (!is_answer(status)) return fail(M2N_INVALID, "a batch cannot be returned with status %d", status);
  for (uint32_t piece = 0; piece < batch_.size(); ++piece)
    if (!batch_[piece].returned) answer(*batch_[piece].pair, pieces_[piece].slot, status, compute_ns);
  // Rung after all are published: a sender that wakes up at once must not take this core from the others' results.
  for (const BatchPiece& piece : batch_)
    if (!piece.returned) piece.pair->link->ring();
  batch_.clear();
  pieces_.clear();
  return M2N_OK;
}

m2n_status Receiver::return_piece(const m2n_batch* batch, uint32_t piece, int32_t status, uint64_t compute_ns) {
  if (!is_current(batch))
    return fail(M2N_INVALID, "this is not the batch that was received last, or it is returned already");
  if (!is_answer(status)) return fail(M2N_INVALID, "a piece cannot be returned with status %d", status);
  if (piece >= batch_.size() || batch_[piece].returned)
    return fail(M2N_INVALID, "piece %u is not in the batch, or is returned already", piece);
  answer(*batch_[piece].pair, pieces_[piece].slot, status, compute_ns);
  batch_[piece].returned = true;
  batch_[piece].pair->link->ring();
  return M2N_OK;
}

// Publishes the slot's result; the caller rings.
void Receiver::answer(Pair& pair, uint32_t slot, int32_t status, uint64_t compute_ns) {
  Pair::Slot& state = pair.slots[slot];
  rows_here(pair, slot);
  if (!state.is_whole) {
    // The sender must not use the slot again before all that it sent has come.
    state.state = Pair::Slot::kDraining;
    state.owed_status = status;
    return;
  }
  const uint32_t pairs = status == M2N_OK ? state.header.pairs : 0;
  if (state.told == 0)
    begin_answer(pair, slot, status, compute_ns, pairs, layout_.result_chunks(pairs));
  else
    publish_results(pair, slot, layout_.result_chunks(state.header.pairs));
  state.state = Pair::Slot::kIdle;
  counters_.bytes += uint64_t{pairs} * sizes_.result_bytes;
}

void Receiver::begin_answer(Pair& pair, uint32_t slot, int32_t status, uint64_t compute_ns, uint32_t pairs,
                            uint32_t chunks) {
  Pair::Slot& state = pair.slots[slot];
  const uint32_t all = layout_.result_chunks(pairs);
  const ResultHeader header{state.sequence, now_ns() - state.seen_ns, compute_ns, status, state.header.pairs, all, {}};
  std::memcpy(pair.view.result(slot), &header, sizeof header);
  state.published = Arrival::after(state.published, chunks);
  state.told = chunks;
  pair.link->publish_result({slot, pairs, pairs, 0, all, 0, chunks, state.published});
}

void Receiver::publish_results(Pair& pair, uint32_t slot, uint32_t chunks) {
  Pair::Slot& state = pair.slots[slot];
  if (chunks <= state.told) return;
  const uint32_t pairs = state.header.pairs, count = chunks - state.told;
  state.published = Arrival::plus(state.published, count);
  pair.link->publish_result({slot, pairs, pairs, 0, layout_.result_chunks(pairs), state.told, count, state.published});
  state.told = chunks;
}

// A piece that was answered before it was whole, once it is.
void Receiver::drain(Pair& pair, uint32_t slot) {
  rows_here(pair, slot);
  if (!pair.slots[slot].is_whole) return;
  answer(pair, slot, pair.slots[slot].owed_status, 0);
  pair.link->ring();
}

}  // namespace m2n

#include "gather.h"

#include "slot.h"

namespace m2n {
namespace {

// Places in the cyclic order that starts after the last tag served.
uint32_t turn_of(const GatherState& state, uint32_t tag) {
  const uint32_t first = state.served ? (state.last_tag + 1) % state.tag_count : 0;
  return (tag + state.tag_count - first) % state.tag_count;
}

// The oldest piece of the tag whose turn is next.
const ReadyPiece& candidate(const GatherState& state) {
  const ReadyPiece* best = &state.ready[0];
  for (const ReadyPiece& piece : state.ready)
    if (turn_of(state, piece.tag) < turn_of(state, best->tag)) best = &piece;
  return *best;
}

bool is_in_phase(const GatherState& state, const SenderPhase& sender, uint32_t tag) {
  return sender.connected && sender.served && (sender.last_tag + 1) % state.tag_count == tag;
}

bool has_come(const GatherState& state, uint32_t sender, uint32_t tag) {
  for (const ReadyPiece& piece : state.ready)
    if (piece.sender == sender && piece.tag == tag) return true;
  return false;
}

bool is_anyone_missing(const GatherState& state, uint32_t tag) {
  for (uint32_t sender = 0; sender < state.senders.size(); ++sender)
    if (is_in_phase(state, state.senders[sender], tag) && !has_come(state, sender, tag)) return true;
  return false;
}

bool is_full(const GatherState& state, uint32_t tag, uint64_t version) {
  uint64_t pairs = 0;
  for (const ReadyPiece& piece : state.ready)
    if (piece.tag == tag && piece.version == version) pairs += piece.pairs;
  return pairs >= state.max_pairs;
}

uint32_t connected(const GatherState& state) {
  uint32_t count = 0;
  for (const SenderPhase& sender : state.senders) count += sender.connected ? 1 : 0;
  return count;
}

}  // namespace

GatherDecision decide(const GatherState& state) {
  if (state.ready.empty()) return {GatherDecision::kNothing, 0, 0, 0};
  const ReadyPiece& first = candidate(state);
  const GatherDecision serve{GatherDecision::kServe, first.tag, first.version, 0};
  const uint64_t until_ns = first.seen_ns + state.window_ns;
  if (state.window_ns == 0 || state.now_ns >= until_ns || connected(state) < 2) return serve;
  if (!is_anyone_missing(state, first.tag) || is_full(state, first.tag, first.version)) return serve;
  return {GatherDecision::kWait, first.tag, first.version, until_ns};
}

uint32_t choose(const GatherState& state, uint32_t tag, uint64_t version, std::span<uint32_t> chosen) {
  bool taken[kMaxPeers] = {};
  uint32_t count = 0;
  uint64_t pairs = 0;
  for (uint32_t i = 0; i < state.ready.size() && count < chosen.size(); ++i) {
    const ReadyPiece& piece = state.ready[i];
    if (piece.tag != tag || piece.version != version || taken[piece.sender]) continue;
    if (count > 0 && pairs + piece.pairs > state.max_pairs) continue;
    taken[piece.sender] = true;
    pairs += piece.pairs;
    chosen[count++] = i;
  }
  return count;
}

}  // namespace m2n

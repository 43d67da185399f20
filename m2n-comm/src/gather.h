// Which pieces an expert node serves next, as a pure decision: what has come and who is in phase in; "serve this tag"
// or "wait until then" out. The rule is m2n_receive's comment in m2n.h.
#ifndef M2N_SRC_GATHER_H
#define M2N_SRC_GATHER_H

#include <cstdint>
#include <span>

namespace m2n {

// A piece that has come and is not served yet.
struct ReadyPiece {
  uint32_t sender;  // index into GatherState::senders
  uint32_t slot;
  uint32_t tag;
  uint32_t pairs;
  uint64_t version;
  uint64_t seen_ns;
};

struct SenderPhase {
  bool connected;
  bool served;        // at least one piece so far
  uint32_t last_tag;  // of the last piece served, if any
};

struct GatherState {
  std::span<const ReadyPiece> ready;  // oldest first
  std::span<const SenderPhase> senders;
  uint32_t tag_count;
  bool served;        // at least one batch so far
  uint32_t last_tag;  // of the last batch, if any
  uint32_t max_pairs;
  uint64_t window_ns;
  uint64_t now_ns;
};

struct GatherDecision {
  enum Action { kNothing, kWait, kServe } action;
  uint32_t tag;
  uint64_t version;
  uint64_t until_ns;  // kWait: serve at this time even if nobody else comes
};

GatherDecision decide(const GatherState& state);

// The pieces of a batch of this tag and version: oldest first, one of each sender, at most max_pairs pairs in all (one
// piece always fits). Writes indices into `ready` and returns how many; `chosen` has room for one per sender.
uint32_t choose(const GatherState& state, uint32_t tag, uint64_t version, std::span<uint32_t> chosen);

}  // namespace m2n

#endif

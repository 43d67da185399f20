// One sender as a receiver knows it: the pair's memory, and per slot the private, checked copy of the piece in it.
#ifndef M2N_SRC_RECEIVER_PAIR_H
#define M2N_SRC_RECEIVER_PAIR_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "link.h"
#include "slot.h"

namespace m2n {

struct ReceiverPair {
  // idle -> ready (seen and checked) -> working (in the caller's batch) -> idle; or -> draining -> idle, where it was
  // answered before all of its rows had come
  struct Slot {
    enum State { kIdle, kReady, kWorking, kDraining } state = kIdle;
    uint64_t seen = 0;       // the sender's counter after its last whole message
    uint64_t sequence = 0;   // messages seen so far
    uint64_t published = 0;  // own counter
    uint64_t seen_ns = 0;
    bool is_whole = true;     // all chunks of the message in this slot have come
    uint32_t told = 0;        // chunks of its result that are published
    int32_t owed_status = 0;  // while draining: what is answered then
    DispatchHeader header{};
    std::vector<m2n_group> groups;
    std::vector<uint32_t> row_of_pair;
  };

  ReceiverPair(uint32_t sender, std::unique_ptr<Link> end, const PairSizes& sizes, const PairLayout& layout)
      : rank(sender), link(std::move(end)), view(link->base(), link->row_memory(), layout) {
    for (uint32_t slot = 0; slot < sizes.slots; ++slot) {
      slots[slot].groups.resize(sizes.max_groups);
      slots[slot].row_of_pair.resize(sizes.max_pairs);
    }
  }

  uint32_t rank;
  bool is_broken = false;  // its counters make no sense; dropped at the next look
  std::unique_ptr<Link> link;
  PairView view;
  std::array<Slot, kMaxSlots> slots;
};

}  // namespace m2n

#endif

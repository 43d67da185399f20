// One sender as a receiver knows it: the mapped region, and per slot the private, checked copy of the piece in it.
#ifndef M2N_SRC_RECEIVER_PAIR_H
#define M2N_SRC_RECEIVER_PAIR_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "doorbell.h"
#include "slot.h"
#include "transport.h"

namespace m2n {

struct ReceiverPair {
  // idle -> ready (seen and checked) -> working (in the caller's batch) -> idle
  struct Slot {
    enum State { kIdle, kReady, kWorking } state = kIdle;
    uint64_t seen = 0;       // the sender's counter after its last whole message
    uint64_t sequence = 0;   // messages seen so far
    uint64_t published = 0;  // own counter
    uint64_t seen_ns = 0;
    DispatchHeader header{};
    std::vector<m2n_group> groups;
    std::vector<uint32_t> row_of_pair;
  };

  uint32_t rank = 0;
  std::unique_ptr<Region> region;
  std::unique_ptr<Region> peer_doorbell_region;
  std::unique_ptr<PeerWatch> watch;
  PairView view;
  Doorbell peer_doorbell;
  std::array<Slot, kMaxSlots> slots;
};

}  // namespace m2n

#endif

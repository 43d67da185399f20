// The one small region of an endpoint that its peers may touch: they ring it when they have published something and its
// owner sleeps, and senders ask a receiver for a connection in it.
#ifndef M2N_SRC_DOORBELL_H
#define M2N_SRC_DOORBELL_H

#include <cstdint>

#include "connect_table.h"
#include "descriptor.h"
#include "slot.h"
#include "transport.h"

namespace m2n {

constexpr uint64_t kDoorbellMagic = 0x31304c4c4542324dull;  // "M2BELL01"

// An endpoint that waits for sockets too cannot sleep on a word: it sleeps in poll(), on a pipe among others.
enum SleepKind : uint32_t { kAwake = 0, kOnWord = 1, kOnPipe = 2 };

struct alignas(kLine) DoorbellShared {
  RegionHeader region;
  uint32_t abi;
  uint32_t role;
  uint32_t rank;
  uint32_t state;                    // EndState of the endpoint
  int32_t pipe;                      // the owner's descriptor of a pipe that wakes it where a futex cannot; 0: none
  alignas(kLine) uint32_t sleeping;  // SleepKind of the owner, who sleeps or is about to
  uint32_t bell;                     // what the owner sleeps on; changes with every ring
  alignas(kLine) ConnectTable table;
};
static_assert(offsetof(DoorbellShared, sleeping) == 64 && offsetof(DoorbellShared, table) == 128);

constexpr uint64_t kDoorbellBytes = (sizeof(DoorbellShared) + kPage - 1) / kPage * kPage;

// A doorbell, one's own or a peer's. No wake-up is lost: a ringer publishes and then, behind a fence, looks at `sleeping`;
// the owner sets `sleeping` and then looks for what was published, both sequentially consistent; and a ring between that
// look and the sleep changes the word slept on.
class Doorbell {
 public:
  Doorbell() = default;
  // `pipe`: what this process writes to where the owner sleeps in poll(); -1 if it never does.
  Doorbell(Region& region, bool is_private, int pipe = -1)
      : shared_(reinterpret_cast<DoorbellShared*>(region.base())), private_(is_private), pipe_(pipe) {}

  DoorbellShared& shared() const { return *shared_; }

  // Wakes the owner if it sleeps. Call after publishing with m2n::publish or m2n::store.
  void ring() const;

  // For the owner, in this order: announce the sleep; look once more whether there is a reason to stay awake; sleep or
  // not; then awake().
  uint32_t announce_sleep(SleepKind kind = kOnWord) const;
  void sleep(uint32_t announced, uint64_t bound_ns) const;
  void awake() const;

 private:
  DoorbellShared* shared_ = nullptr;
  bool private_ = true;
  int pipe_ = -1;
};

// A peer's doorbell: its region, mapped here, and its pipe if it has one.
class PeerDoorbell {
 public:
  // Throws Failure as Transport::map does.
  PeerDoorbell(const Transport& transport, const RegionName& name);
  Doorbell& bell() { return bell_; }

 private:
  std::unique_ptr<Region> region_;
  Descriptor pipe_;
  Doorbell bell_;
};

}  // namespace m2n

#endif

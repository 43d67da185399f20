// How a sender gets a connection: it claims an entry in the receiver's doorbell region, writes its request and
// announces it; the receiver answers from inside m2n_receive. One line per transition of an entry:
//
//   free -> claimed      a sender takes it
//   claimed -> announced the sender has written its request
//   announced -> answered the receiver has written its answer
//   announced -> free    the sender gave up
//   answered -> free     the sender has read the answer
//   claimed, answered -> free  the receiver takes it back from a sender that died meanwhile
#ifndef M2N_SRC_CONNECT_TABLE_H
#define M2N_SRC_CONNECT_TABLE_H

#include <cstdint>

#include "slot.h"
#include "transport.h"

namespace m2n {

constexpr uint32_t kConnectEntries = 16;
constexpr uint64_t kStaleEntryNs = 10'000'000'000u;  // a live sender needs microseconds between two transitions

enum class EntryState : uint32_t { kFree = 0, kClaimed = 1, kAnnounced = 2, kAnswered = 3 };

// An entry's state with the number of its use, so that whoever lost it cannot change it any more.
struct EntryWord {
  static constexpr uint64_t make(uint64_t use, EntryState state) { return use << 2 | static_cast<uint64_t>(state); }
  static constexpr uint64_t use(uint64_t word) { return word >> 2; }
  static constexpr EntryState state(uint64_t word) { return static_cast<EntryState>(word & 3); }
};

// Why a connection was refused; sent as a number, told as a sentence.
enum class Refusal : uint32_t {
  kNone = 0,
  kAbi = 1,
  kSecret = 2,
  kSizes = 3,
  kFull = 4,
  kRankTaken = 5,
  kRegion = 6,
  kOther = 7
};
const char* refusal_sentence(uint32_t refusal);

struct ConnectRequest {
  uint32_t abi;
  uint32_t rank;
  PairSizes sizes;
  uint8_t secret[M2N_SECRET_BYTES];
  RegionName pair;
  RegionName doorbell;
};
static_assert(sizeof(ConnectRequest) == 128);

struct ConnectAnswer {
  int32_t status;
  uint32_t refusal;
};

struct alignas(kLine) ConnectEntry {
  uint64_t word;
  ConnectAnswer answer;
  uint64_t reserved[6];
  ConnectRequest request;
};
static_assert(sizeof(ConnectEntry) == 192);

struct alignas(kLine) ConnectTable {
  uint64_t announced;  // counts announcements, so that the receiver looks at one word
  ConnectEntry entries[kConnectEntries];
};

// The sender's hold on one entry; gives it back when it goes out of scope.
class ConnectClaim {
 public:
  explicit ConnectClaim(ConnectTable& table) : table_(table) {}
  ~ConnectClaim();
  ConnectClaim(const ConnectClaim&) = delete;
  ConnectClaim& operator=(const ConnectClaim&) = delete;

  // False if every entry is in use.
  bool take();
  void announce(const ConnectRequest& request);
  // Whether the receiver has answered, or taken the entry back; then `answer` is valid.
  bool has_answer(ConnectAnswer* answer);
  // Takes the request back; false if the receiver has answered meanwhile.
  bool withdraw();

 private:
  void erase_request();

  ConnectTable& table_;
  ConnectEntry* entry_ = nullptr;
  uint64_t use_ = 0;
};

}  // namespace m2n

#endif

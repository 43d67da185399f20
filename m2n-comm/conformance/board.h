// What the members of a cluster share, as a control plane would tell it: where receivers are, when to stop, what went
// wrong. In memory that forked processes keep sharing; a member may be killed at any instant.
#ifndef M2N_CONFORMANCE_BOARD_H
#define M2N_CONFORMANCE_BOARD_H

#include <atomic>
#include <cstdint>
#include <vector>

#include "m2n/m2n.h"

namespace m2n::conformance {

constexpr uint32_t kMostMembers = 64;

class Board {
 public:
  // In shared memory of its own, until the end of the process.
  static Board& make();
  void clear();

  void put(uint32_t receiver, const std::vector<uint8_t>& address);
  void remove(uint32_t receiver) { places_[receiver].version.store(0); }
  std::vector<uint8_t> get(uint32_t receiver) const;

  // Keeps the first failure's text.
  __attribute__((format(printf, 2, 3))) void fail(const char* format, ...);
  bool has_failed() const { return failed_.load() != 0; }
  const char* failure() const { return failure_; }

  std::atomic<uint32_t> stop{0};
  std::atomic<uint32_t> senders_done{0};
  std::atomic<uint64_t> sent{0}, served{0}, lost{0};

 private:
  static constexpr std::size_t kAddressWords = M2N_ADDRESS_BYTES / 8;
  struct Place {
    std::atomic<uint64_t> version;  // odd: being written; 0: nobody is there
    std::atomic<uint32_t> length;
    std::atomic<uint64_t> address[kAddressWords];  // word by word: who reads may be overtaken, and reads again
  };
  Place places_[kMostMembers];
  std::atomic<uint64_t> versions_{2};
  std::atomic<uint32_t> failed_{0};
  char failure_[512];
};

}  // namespace m2n::conformance

#endif

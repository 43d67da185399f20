// What a pair has published and the socket has not taken yet. Bounded: chunks of one message that wait are one entry, and
// a slot holds one message at a time.
#ifndef M2N_SRC_TRANSPORTS_TCP_OUTBOX_H
#define M2N_SRC_TRANSPORTS_TCP_OUTBOX_H

#include <array>
#include <cstdint>

#include "transports/network/message.h"

namespace m2n {

class Outbox {
 public:
  static constexpr uint32_t kMostPlaces = kMostParts + 1;

  Outbox(const MessageShape& shape, const PairView& view) : shape_(shape), view_(view) {}

  // False if the slot's last message is still here: a new one may not begin.
  bool add(const Publication& publication);
  // What is to be written next, as many places of memory; 0: nothing is.
  uint32_t next(iovec* places, uint64_t* bytes) const;
  void written(uint64_t bytes);
  void clear();

  bool is_empty() const { return count_ == 0; }
  bool holds(uint32_t slot) const { return waiting_[slot] != 0; }

 private:
  // The one being written, and one that was not begun for each slot.
  static constexpr uint32_t kMostEntries = kMaxSlots + 1;

  struct Entry {
    WireHeader header;
    uint64_t written = 0;  // of the header and what follows it
  };

  Entry& at(uint32_t index) { return entries_[(first_ + index) % kMostEntries]; }
  const Entry& at(uint32_t index) const { return entries_[(first_ + index) % kMostEntries]; }
  void remove_first();

  MessageShape shape_;
  PairView view_;
  std::array<Entry, kMostEntries> entries_;
  uint32_t first_ = 0, count_ = 0;
  std::array<uint8_t, kMaxSlots> waiting_{};  // entries of a slot
};

}  // namespace m2n

#endif

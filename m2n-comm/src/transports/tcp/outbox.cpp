#include "transports/tcp/outbox.h"

#include <algorithm>

namespace m2n {

bool Outbox::add(const Publication& publication) {
  if (publication.first == 0 && holds(publication.slot)) return false;
  if (holds(publication.slot)) {
    for (uint32_t i = 0; i < count_; ++i) {
      Entry& entry = at(i);
      if (entry.header.slot != publication.slot || entry.written > 0) continue;
      entry.header.count += publication.count;
      return true;
    }
  }
  at(count_) = {shape_.header_of(publication), 0};
  ++count_;
  ++waiting_[publication.slot];
  return true;
}

uint32_t Outbox::next(iovec* places, uint64_t* bytes) const {
  if (is_empty()) return 0;
  const Entry& entry = at(0);
  iovec whole[kMostPlaces];
  whole[0] = {const_cast<WireHeader*>(&entry.header), sizeof entry.header};
  const uint32_t all = 1 + shape_.parts_of(entry.header, view_, whole + 1);
  uint64_t skip = entry.written;
  uint32_t count = 0;
  *bytes = 0;
  for (uint32_t i = 0; i < all; ++i) {
    const uint64_t skipped = std::min<uint64_t>(skip, whole[i].iov_len);
    skip -= skipped;
    if (skipped == whole[i].iov_len) continue;
    places[count] = {static_cast<std::byte*>(whole[i].iov_base) + skipped, whole[i].iov_len - skipped};
    *bytes += places[count++].iov_len;
  }
  return count;
}

void Outbox::written(uint64_t bytes) {
  Entry& entry = at(0);
  entry.written += bytes;
  if (entry.written == sizeof entry.header + shape_.bytes_of(entry.header)) remove_first();
}

void Outbox::remove_first() {
  --waiting_[at(0).header.slot];
  first_ = (first_ + 1) % kMostEntries;
  --count_;
}

void Outbox::clear() {
  while (!is_empty()) remove_first();
}

}  // namespace m2n

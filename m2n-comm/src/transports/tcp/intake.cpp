#include "transports/tcp/intake.h"

#include <algorithm>
#include <cstring>

namespace m2n {

uint32_t Intake::room(iovec* places, uint64_t* bytes) {
  uint32_t count = 0;
  for (uint32_t part = part_; part < parts_count_; ++part) places[count++] = parts_[part];
  places[count++] = {ahead_.data() + ahead_to_, ahead_.size() - ahead_to_};
  *bytes = left() + ahead_.size() - ahead_to_;
  return count;
}

const char* Intake::arrived(uint64_t bytes) {
  const uint64_t in_place = std::min(bytes, left());
  advance(in_place);
  ahead_to_ += static_cast<uint32_t>(bytes - in_place);
  for (;;) {
    take_ahead();
    if (left() > 0 || ahead_to_ - ahead_from_ < sizeof(WireHeader)) break;
    if (const char* fault = open_next()) return fault;
  }
  // What is left is the beginning of a header.
  std::memmove(ahead_.data(), ahead_.data() + ahead_from_, ahead_to_ - ahead_from_);
  ahead_to_ -= ahead_from_;
  ahead_from_ = 0;
  return nullptr;
}

const char* Intake::open_next() {
  std::memcpy(&header_, ahead_.data() + ahead_from_, sizeof header_);
  ahead_from_ += sizeof header_;
  if (const char* fault = landing_.check(header_)) return fault;
  parts_count_ = landing_.places(header_, parts_.data());
  part_ = 0;
  got_ = 0;
  total_ = landing_.shape().bytes_of(header_);
  counted_ = 0;
  expected_ = header_.count;
  advance(0);  // a chunk of no rows is there at once
  return nullptr;
}

void Intake::take_ahead() {
  while (left() > 0 && ahead_from_ < ahead_to_) {
    const uint64_t bytes = std::min<uint64_t>(parts_[part_].iov_len, ahead_to_ - ahead_from_);
    std::memcpy(parts_[part_].iov_base, ahead_.data() + ahead_from_, bytes);
    ahead_from_ += static_cast<uint32_t>(bytes);
    advance(bytes);
  }
}

void Intake::advance(uint64_t bytes) {
  got_ += bytes;
  while (bytes > 0) {
    iovec& part = parts_[part_];
    const uint64_t step = std::min<uint64_t>(bytes, part.iov_len);
    part.iov_base = static_cast<std::byte*>(part.iov_base) + step;
    part.iov_len -= step;
    bytes -= step;
    if (part.iov_len == 0) ++part_;
  }
  // Chunks are counted as they become whole, so that the reader works while the rest travels.
  WireHeader so_far = header_;
  const uint32_t before = counted_;
  for (so_far.count = counted_ + 1; counted_ < expected_ && got_ >= landing_.shape().bytes_of(so_far); ++so_far.count)
    ++counted_;
  if (counted_ > before) landing_.count(header_, header_.first + before, counted_ - before);
}

}  // namespace m2n

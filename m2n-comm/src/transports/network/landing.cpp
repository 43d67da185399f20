#include "transports/network/landing.h"

#include <cstring>

#include "shared_memory.h"

namespace m2n {

const char* Landing::check(const WireHeader& header) const {
  if (header.kind != static_cast<uint32_t>(shape_.kind()))
    return "a message of a kind that does not arrive at this end";
  if (header.slot >= sizes_.slots) return "a slot that does not exist";
  if (header.rows > shape_.most_rows()) return "more rows than a slot holds";
  if (header.pairs > sizes_.max_pairs) return "more pairs than a slot holds";
  if (header.groups > sizes_.max_groups) return "more groups than a slot holds";
  if (header.chunks != shape_.chunks(header.rows)) return "a number of chunks that its rows do not make";
  if (header.count == 0 || header.first >= header.chunks || header.count > header.chunks - header.first)
    return "chunks beyond the message";
  const Slot& slot = slots_[header.slot];
  if (slot.chunks != 0 && slot.chunks != header.chunks) return "another message before the last one was whole";
  for (uint32_t chunk = header.first; chunk < header.first + header.count; ++chunk)
    if (slot.here[chunk]) return "a chunk for the second time";
  return nullptr;
}

const char* Landing::land(const WireHeader& header, const void* data, uint64_t bytes) {
  if (const char* fault = check(header)) return fault;
  if (bytes != shape_.bytes_of(header)) return "another length than its header says";
  MessageParts parts;
  const auto* from = static_cast<const std::byte*>(data);
  for (uint32_t part = 0, all = places(header, parts.data()); part < all; ++part) {
    std::memcpy(parts[part].iov_base, from, parts[part].iov_len);
    from += parts[part].iov_len;
  }
  count(header, header.first, header.count);
  return nullptr;
}

void Landing::count(const WireHeader& header, uint32_t first, uint32_t count) {
  Slot& slot = slots_[header.slot];
  slot.chunks = header.chunks;
  for (uint32_t chunk = first; chunk < first + count; ++chunk) slot.here.set(chunk);
  const uint32_t before = slot.run;
  while (slot.run < slot.chunks && slot.here[slot.run]) ++slot.run;
  if (slot.run == before) return;
  const uint64_t headers = static_cast<uint32_t>((slot.counter >> 32) + (before == 0 ? 1 : 0));
  slot.counter = headers << 32 | static_cast<uint32_t>(static_cast<uint32_t>(slot.counter) + slot.run - before);
  if (slot.run == slot.chunks) {
    slot.here.reset();
    slot.chunks = slot.run = 0;
  }
  PairEnd& end = shape_.is_dispatch() ? view_.header().sender : view_.header().receiver;
  store(end.arrived[header.slot], slot.counter);
}

}  // namespace m2n

#include "transports/ucx/landing.h"

#include <algorithm>
#include <cstring>

#include "shared_memory.h"

namespace m2n {

const char* Landing::check(const WireHeader& header) const {
  if (header.kind != static_cast<uint32_t>(kind_)) return "a message of a kind that does not arrive at this end";
  if (header.slot >= sizes_.slots) return "a slot that does not exist";
  if (header.rows > (is_dispatch() ? sizes_.max_rows : sizes_.max_pairs)) return "more rows than a slot holds";
  if (header.pairs > sizes_.max_pairs) return "more pairs than a slot holds";
  if (header.groups > sizes_.max_groups) return "more groups than a slot holds";
  if (header.chunks != (is_dispatch() ? layout_.dispatch_chunks(header.rows) : layout_.result_chunks(header.rows)))
    return "a number of chunks that its rows do not make";
  if (header.count == 0 || header.first >= header.chunks || header.count > header.chunks - header.first)
    return "chunks beyond the message";
  const Slot& slot = slots_[header.slot];
  if (slot.chunks != 0 && slot.chunks != header.chunks) return "another message before the last one was whole";
  for (uint32_t chunk = header.first; chunk < header.first + header.count; ++chunk)
    if (slot.here[chunk]) return "a chunk for the second time";
  return nullptr;
}

uint64_t Landing::rows_from(const WireHeader& header) const {
  const uint64_t per_chunk = is_dispatch() ? layout_.rows_per_chunk : layout_.results_per_chunk;
  return header.first == 0 ? 0 : std::min<uint64_t>(header.rows, (header.first - 1) * per_chunk);
}

uint64_t Landing::rows_to(const WireHeader& header) const {
  const uint64_t per_chunk = is_dispatch() ? layout_.rows_per_chunk : layout_.results_per_chunk;
  return std::min<uint64_t>(header.rows, (uint64_t{header.first} + header.count - 1) * per_chunk);
}

uint64_t Landing::bytes_of(const WireHeader& header) const {
  const uint64_t row_bytes = is_dispatch() ? sizes_.row_bytes : sizes_.result_bytes;
  uint64_t bytes = (rows_to(header) - rows_from(header)) * row_bytes;
  if (header.first == 0 && is_dispatch())
    bytes += sizeof(DispatchHeader) + header.groups * sizeof(m2n_group) + header.pairs * sizeof(uint32_t);
  if (header.first == 0 && !is_dispatch()) bytes += sizeof(ResultHeader);
  return bytes;
}

const char* Landing::land(const WireHeader& header, const void* data, uint64_t bytes) {
  if (const char* fault = check(header)) return fault;
  if (bytes != bytes_of(header)) return "another length than its header says";
  copy(header, static_cast<const std::byte*>(data));
  count(slots_[header.slot], header);
  return nullptr;
}

void Landing::copy(const WireHeader& header, const std::byte* data) {
  const auto take = [&](void* to, uint64_t bytes) {
    if (bytes == 0) return;
    std::memcpy(to, data, bytes);
    data += bytes;
  };
  const uint32_t slot = header.slot;
  if (header.first == 0 && is_dispatch()) {
    take(view_.dispatch(slot), sizeof(DispatchHeader));
    take(view_.groups(slot), header.groups * sizeof(m2n_group));
    take(view_.row_of_pair(slot), header.pairs * sizeof(uint32_t));
  } else if (header.first == 0) {
    take(view_.result(slot), sizeof(ResultHeader));
  }
  const uint64_t row_bytes = is_dispatch() ? sizes_.row_bytes : sizes_.result_bytes;
  std::byte* rows = is_dispatch() ? view_.rows(slot) : view_.results(slot);
  take(rows + rows_from(header) * row_bytes, (rows_to(header) - rows_from(header)) * row_bytes);
}

void Landing::count(Slot& slot, const WireHeader& header) {
  slot.chunks = header.chunks;
  for (uint32_t chunk = header.first; chunk < header.first + header.count; ++chunk) slot.here.set(chunk);
  const uint32_t before = slot.run;
  while (slot.run < slot.chunks && slot.here[slot.run]) ++slot.run;
  if (slot.run == before) return;
  const uint64_t headers = static_cast<uint32_t>((slot.counter >> 32) + (before == 0 ? 1 : 0));
  slot.counter = headers << 32 | static_cast<uint32_t>(static_cast<uint32_t>(slot.counter) + slot.run - before);
  if (slot.run == slot.chunks) {
    slot.here.reset();
    slot.chunks = slot.run = 0;
  }
  PairEnd& end = is_dispatch() ? view_.header().sender : view_.header().receiver;
  store(end.arrived[header.slot], slot.counter);
}

}  // namespace m2n

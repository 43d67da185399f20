#include "transports/network/message.h"

#include <algorithm>

namespace m2n {

uint64_t MessageShape::rows_from(const WireHeader& header) const {
  return header.first == 0 ? 0 : std::min<uint64_t>(header.rows, (uint64_t{header.first} - 1) * rows_per_chunk());
}

uint64_t MessageShape::rows_to(const WireHeader& header) const {
  return std::min<uint64_t>(header.rows, (uint64_t{header.first} + header.count - 1) * rows_per_chunk());
}

uint64_t MessageShape::bytes_of(const WireHeader& header) const {
  uint64_t bytes = (rows_to(header) - rows_from(header)) * row_bytes();
  if (header.first == 0 && is_dispatch())
    bytes += sizeof(DispatchHeader) + header.groups * sizeof(m2n_group) + header.pairs * sizeof(uint32_t);
  if (header.first == 0 && !is_dispatch()) bytes += sizeof(ResultHeader);
  return bytes;
}

uint32_t MessageShape::parts_of(const WireHeader& header, const PairView& view, iovec* parts) const {
  uint32_t count = 0;
  const auto add = [&](void* at, uint64_t bytes) {
    if (bytes > 0) parts[count++] = {at, bytes};
  };
  const uint32_t slot = header.slot;
  if (header.first == 0 && is_dispatch()) {
    add(view.dispatch(slot), sizeof(DispatchHeader));
    add(view.groups(slot), header.groups * sizeof(m2n_group));
    add(view.row_of_pair(slot), header.pairs * sizeof(uint32_t));
  } else if (header.first == 0) {
    add(view.result(slot), sizeof(ResultHeader));
  }
  std::byte* rows = is_dispatch() ? view.rows(slot) : view.results(slot);
  add(rows + rows_from(header) * row_bytes(), (rows_to(header) - rows_from(header)) * row_bytes());
  return count;
}

}  // namespace m2n

// Which bytes of a pair's memory belong to chunks of a message, for writers and readers alike.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_MESSAGE_H
#define M2N_SRC_TRANSPORTS_NETWORK_MESSAGE_H

#include <sys/uio.h>

#include <array>
#include <cstdint>

#include "link.h"
#include "slot.h"
#include "transports/network/wire.h"

namespace m2n {

constexpr uint32_t kMostParts = 4;
using MessageParts = std::array<iovec, kMostParts>;

// All messages of one kind of one pair. Headers must have passed Landing::check, or be one's own.
class MessageShape {
 public:
  MessageShape(WireKind kind, const PairSizes& sizes, const PairLayout& layout)
      : kind_(kind), sizes_(sizes), layout_(layout) {}

  WireKind kind() const { return kind_; }
  bool is_dispatch() const { return kind_ == WireKind::kDispatch; }
  uint32_t most_rows() const { return is_dispatch() ? sizes_.max_rows : sizes_.max_pairs; }
  uint32_t chunks(uint32_t rows) const {
    return is_dispatch() ? layout_.dispatch_chunks(rows) : layout_.result_chunks(rows);
  }
  uint32_t rows_per_chunk() const { return is_dispatch() ? layout_.rows_per_chunk : layout_.results_per_chunk; }
  uint64_t row_bytes() const { return is_dispatch() ? sizes_.row_bytes : sizes_.result_bytes; }

  WireHeader header_of(const Publication& publication) const {
    return {static_cast<uint32_t>(kind_), publication.slot,   publication.rows,  publication.pairs,
            publication.groups,           publication.chunks, publication.first, publication.count};
  }
  // Bytes that follow the header.
  uint64_t bytes_of(const WireHeader& header) const;
  // The same bytes in the pair's memory, in the order in which they travel; how many parts they are. None is empty.
  uint32_t parts_of(const WireHeader& header, const PairView& view, iovec* parts) const;

 private:
  uint64_t rows_from(const WireHeader& header) const;
  uint64_t rows_to(const WireHeader& header) const;

  WireKind kind_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
};

}  // namespace m2n

#endif

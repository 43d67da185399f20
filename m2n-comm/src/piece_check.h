// Checks on what a sender wrote, made on private copies.
#ifndef M2N_SRC_PIECE_CHECK_H
#define M2N_SRC_PIECE_CHECK_H

#include <cstdint>
#include <span>

#include "slot.h"

namespace m2n {

inline bool is_valid_header(const DispatchHeader& header, uint64_t sequence, const PairSizes& sizes) {
  return header.sequence == sequence && header.rows <= sizes.max_rows && header.pairs <= sizes.max_pairs &&
         header.groups <= sizes.max_groups;
}

// Keys strictly ascending, at least one pair each, together all pairs.
inline bool are_valid_groups(std::span<const m2n_group> groups, uint32_t pairs) {
  uint64_t sum = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].pairs == 0 || (i > 0 && groups[i].key <= groups[i - 1].key)) return false;
    sum += groups[i].pairs;
  }
  return sum == pairs;
}

inline bool are_valid_rows(std::span<const uint32_t> row_of_pair, uint32_t rows) {
  uint32_t bad = 0;
  for (const uint32_t row : row_of_pair) bad |= row >= rows ? 1u : 0u;
  return bad == 0;
}

}  // namespace m2n

#endif

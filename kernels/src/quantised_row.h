// Rows in 8 bits, against weights in 8 or 4: what the reference and the CPU backends agree on.
#pragma once

#include <cstdint>

#include "packed.h"

namespace mk {

// A quantised row in memory: codes [groups * kGroupColumns] bytes, then factors [groups] fp32, then sums of a group's codes [groups] int32. Per group, with m
// the greatest magnitude of its elements (0 beyond the row):
//   not finite:   factor = NaN, codes 0
//   m < 2^-100:   factor = 0, codes 0
//   else:         factor = m * (1 / 127); code = x * (127 / m) to nearest even, at most 127 in magnitude
constexpr float kLeastMagnitude = 0x1p-100f;
constexpr float kOver127 = 1.0f / 127.0f;

static inline int32_t groups_of(int32_t columns) { return (columns + kGroupColumns - 1) / kGroupColumns; }

static inline int64_t quantised_row_bytes(int32_t columns) {
  return static_cast<int64_t>(groups_of(columns)) * (kGroupColumns + 8);
}

struct QuantisedRow {
  const int8_t* codes;
  const float* factors;
  const int32_t* sums;
};

static inline QuantisedRow quantised_row_at(const void* memory, int32_t columns) {
  const int32_t groups = groups_of(columns);
  const int8_t* codes = static_cast<const int8_t*>(memory);
  const float* factors = reinterpret_cast<const float*>(codes + static_cast<int64_t>(groups) * kGroupColumns);
  return {codes, factors, reinterpret_cast<const int32_t*>(factors + groups)};
}

}  // namespace mk

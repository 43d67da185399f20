// The kernels of tile.h as templates: for each number of rows, of units beside each other, and form of weights (stored.h).
#pragma once

#include "tile.h"

namespace mk::MK_ISA {

constexpr int32_t kCacheLine = 64;

// Step kStep of a line for all rows and units.
template <int kRows, int kUnits, typename Type, int kStep>
MK_INLINE void multiply_step(const void* const* in, int64_t line, const char* const* units, int64_t at,
                             const typename Type::UnitScales (&scales)[kUnits], V (&first)[kRows][kUnits],
                             V (&second)[kRows][kUnits]) {
  // What stays in registers beside the sums: the weights of all units while the rows pass, or the rows' values while
  // the units pass, whichever is less.
  constexpr bool kHoldWeights = 2 * kUnits + 1 <= kRows + 2;
  const int64_t index = line * Type::kSteps + kStep;
  if constexpr (kHoldWeights) {
    V low[kUnits], high[kUnits];
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) Type::template load<kStep>(units[u] + at, scales[u], low[u], high[u]);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const V value = Type::value_at(in[r], index);
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        first[r][u] = Type::multiply(value, low[u], first[r][u]);
        second[r][u] = Type::multiply(value, high[u], second[r][u]);
      }
    }
  } else {
    V value[kRows];
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) value[r] = Type::value_at(in[r], index);
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) {
      V low, high;
      Type::template load<kStep>(units[u] + at, scales[u], low, high);
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) {
        first[r][u] = Type::multiply(value[r], low, first[r][u]);
        second[r][u] = Type::multiply(value[r], high, second[r][u]);
      }
    }
  }
}

template <int kRows, int kUnits, typename Type>
MK_INLINE void multiply_lines(const void* const* in, const char* const* units, const Ahead& ahead, int32_t begin,
                              int32_t end, const typename Type::UnitScales (&scales)[kUnits], V (&first)[kRows][kUnits],
                              V (&second)[kRows][kUnits]) {
  int32_t line = begin;
#pragma GCC unroll 1
  for (int part = 0; part < 2; ++part) {
    const int32_t stop = part == 0 && ahead.turn < end ? ahead.turn : end;
    const int64_t offset = line < ahead.turn ? ahead.offset : ahead.offset_after;
#pragma GCC unroll 1
    for (; line < stop; ++line) {
      const int64_t at = static_cast<int64_t>(line) * line_bytes_of(Type::kDtype);
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        const char* next = units[u] + offset + static_cast<int64_t>(line) * ahead.step;
        prefetch(next);
        if constexpr (line_bytes_of(Type::kDtype) > kCacheLine) prefetch(next + ahead.step / 2);
      }
      multiply_step<kRows, kUnits, Type, 0>(in, line, units, at, scales, first, second);
      if constexpr (Type::kSteps == 2)
        multiply_step<kRows, kUnits, Type, 1>(in, line, units, at, scales, first, second);
    }
  }
}

static inline const char* panel_at(const PackedMatrix& matrix, int32_t panel) {
  return static_cast<const char*>(matrix.data) + matrix.panel_bytes * static_cast<uint64_t>(panel);
}

template <int kRows, int kUnits, typename Type>
__attribute__((noinline)) static void multiply(const PackedMatrix& matrix, int32_t unit, const void* const* in,
                                               const Ahead& ahead, bool resume, float* sums) {
  const char* units[kUnits];
  for (int u = 0; u < kUnits; ++u)
    units[u] = panel_at(matrix, (unit + u) / kUnitsPerPanel) + (unit + u) % kUnitsPerPanel * Type::kUnitBytes;

  V first[kRows][kUnits], second[kRows][kUnits];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) {
      const float* at = sums + (r * kUnits + u) * kUnitSums;
      first[r][u] = resume ? load(at) : zero();
      second[r][u] = resume ? load(at + kLanes) : zero();
    }
  }

  typename Type::UnitScales scales[kUnits];
  constexpr int32_t kStep = scale_columns_of(Type::kDtype);
  if constexpr (kStep == 0) {
    multiply_lines<kRows, kUnits, Type>(in, units, ahead, 0, lines_of(matrix.columns, Type::kDtype), scales, first,
                                        second);
  } else {
    const int64_t scales_from = static_cast<int64_t>(scales_offset(matrix.columns, Type::kDtype));
    for (int32_t begin = 0; begin < matrix.columns; begin += kStep) {
      const int32_t end = begin + kStep < matrix.columns ? begin + kStep : matrix.columns;
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        const char* line = panel_at(matrix, (unit + u) / kUnitsPerPanel) + scales_from +
                           static_cast<int64_t>(begin / kStep) * scale_line_bytes_of(Type::kDtype);
        scales[u] = Type::load_scales(line + (unit + u) % kUnitsPerPanel * Type::kScaleBytes);
      }
      multiply_lines<kRows, kUnits, Type>(in, units, ahead, begin, end, scales, first, second);
    }
  }

#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) {
      float* at = sums + (r * kUnits + u) * kUnitSums;
      store(at, first[r][u]);
      store(at + kLanes, second[r][u]);
    }
  }
}

template <int kRows, typename Type>
static void multiply_exactly(const PackedMatrix& matrix, int32_t unit, int32_t units, const void* const* in,
                             int32_t rows, const Ahead& ahead, bool resume, float* sums) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_exactly<kRows - 1, Type>(matrix, unit, units, in, rows, ahead, resume, sums);
  }
  if (units == 1)
    multiply<kRows, 1, Type>(matrix, unit, in, ahead, resume, sums);
  else
    multiply<kRows, units_beside(kRows), Type>(matrix, unit, in, ahead, resume, sums);
}

}  // namespace mk::MK_ISA

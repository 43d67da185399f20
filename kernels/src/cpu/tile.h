// Rows times packed panels, in tiles that stay in registers. Every output element is one fma chain over the
// in_features, whatever the tile's shape.
#pragma once

#include "packed.h"
#include "simd.h"

namespace mk::MK_ISA {

// A unit is the part of a panel that one pair of registers covers: the whole panel's 16 pairs of features, or half of
// them.
constexpr int kUnitsPerPanel = kPanelHalf / kLanes;

// Sums fill 24 of 32 registers, or 12 of 16; the others hold weights and a row's value.
#if defined(__AVX512F__)
constexpr int kMostTileRows = 12;
#else
constexpr int kMostTileRows = 6;
#endif

// Units side by side for so many rows: a few rows leave the fma pipeline waiting for its own results unless there are
// eight chains or so.
constexpr int units_beside(int rows) {
#if defined(__AVX512F__)
  return rows <= 3 ? 4 : rows <= 6 ? 2 : 1;
#else
  return rows == 1 ? 4 : rows == 2 ? 2 : 1;
#endif
}

// How far ahead of the sums a panel's lines are asked for.
constexpr int kPrefetchLines = 24;

template <bool kBf16>
MK_INLINE void load_line(const char* line, V& low, V& high) {
  prefetch(line + kPrefetchLines * 64);
  if constexpr (kBf16) {
    load_pairs(line, low, high);
  } else {
    low = load(reinterpret_cast<const float*>(line));
    high = load(reinterpret_cast<const float*>(line + kPanelHalf * sizeof(float)));
  }
}

template <int kRows, int kUnits, bool kBf16>
MK_INLINE void multiply_tile(const float* const* in, const char* const* units, int32_t columns,
                             V (&first)[kRows][kUnits], V (&second)[kRows][kUnits]) {
  constexpr int kLineBytes = kPanelWidth * (kBf16 ? 2 : 4);
  // What stays in registers beside the sums: the weights of all units while the rows pass, or the rows' values while
  // the units pass, whichever is less.
  constexpr bool kHoldWeights = 2 * kUnits + 1 <= kRows + 2;
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) first[r][u] = second[r][u] = zero();
  }
  for (int32_t k = 0; k < columns; ++k) {
    const int64_t at = static_cast<int64_t>(k) * kLineBytes;
    if constexpr (kHoldWeights) {
      V low[kUnits], high[kUnits];
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) load_line<kBf16>(units[u] + at, low[u], high[u]);
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) {
        const V value = set1(in[r][k]);
#pragma GCC unroll 4
        for (int u = 0; u < kUnits; ++u) {
          first[r][u] = fma(value, low[u], first[r][u]);
          second[r][u] = fma(value, high[u], second[r][u]);
        }
      }
    } else {
      V value[kRows];
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) value[r] = set1(in[r][k]);
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        V low, high;
        load_line<kBf16>(units[u] + at, low, high);
#pragma GCC unroll 12
        for (int r = 0; r < kRows; ++r) {
          first[r][u] = fma(value[r], low, first[r][u]);
          second[r][u] = fma(value[r], high, second[r][u]);
        }
      }
    }
  }
}

// What happens to a finished pair of sums: features `lane` .. of both halves of `panel`, for row `row` of the call.
//   void operator()(int32_t row, int32_t panel, int32_t lane, V first, V second) const

template <int kRows, int kUnits, bool kBf16, typename Finish>
MK_INLINE void finish_tile(const PackedMatrix& matrix, int32_t unit, const float* const* in, int32_t row,
                           const Finish& finish) {
  const char* units[kUnits];
  for (int u = 0; u < kUnits; ++u) {
    units[u] = static_cast<const char*>(matrix.data) +
               matrix.panel_bytes * static_cast<uint64_t>((unit + u) / kUnitsPerPanel) +
               (unit + u) % kUnitsPerPanel * kLanes * 4;
  }
  V first[kRows][kUnits], second[kRows][kUnits];
  multiply_tile<kRows, kUnits, kBf16>(in, units, matrix.columns, first, second);
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int u = 0; u < kUnits; ++u) {
      finish(row + r, (unit + u) / kUnitsPerPanel, (unit + u) % kUnitsPerPanel * kLanes, first[r][u], second[r][u]);
    }
  }
}

template <int kRows, bool kBf16, typename Finish>
static __attribute__((noinline)) void multiply_units(const PackedMatrix& matrix, int32_t begin, int32_t end,
                                                     const float* const* in, int32_t row, const Finish& finish) {
  constexpr int kUnits = units_beside(kRows);
  int32_t unit = begin;
  for (; unit + kUnits <= end; unit += kUnits) finish_tile<kRows, kUnits, kBf16>(matrix, unit, in, row, finish);
  if constexpr (kUnits > 1) {
    for (; unit < end; ++unit) finish_tile<kRows, 1, kBf16>(matrix, unit, in, row, finish);
  }
}

template <int kRows, typename Finish>
static void multiply_exactly(int32_t rows, const PackedMatrix& matrix, int32_t begin, int32_t end,
                             const float* const* in, int32_t row, const Finish& finish) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_exactly<kRows - 1>(rows, matrix, begin, end, in, row, finish);
  }
  if (matrix.dtype == MK_BF16)
    multiply_units<kRows, true>(matrix, begin, end, in, row, finish);
  else
    multiply_units<kRows, false>(matrix, begin, end, in, row, finish);
}

// Panels panel_begin .. panel_end-1 for rows 0 .. rows-1, whose inputs `row_at(i)` gives. Tiles are of about equal
// height, so that none is left with a single row.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_rows(const PackedMatrix& matrix, int32_t panel_begin, int32_t panel_end, int32_t row_begin,
                             int32_t row_end, const RowAt& row_at, const Finish& finish) {
  int32_t tiles = (row_end - row_begin + kMostTileRows - 1) / kMostTileRows;
  for (int32_t row = row_begin; row < row_end; --tiles) {
    const int32_t rows = (row_end - row + tiles - 1) / tiles;
    const float* in[kMostTileRows];
    for (int32_t r = 0; r < rows; ++r) in[r] = row_at(row + r);
    multiply_exactly<kMostTileRows>(rows, matrix, panel_begin * kUnitsPerPanel, panel_end * kUnitsPerPanel, in, row,
                                    finish);
    row += rows;
  }
}

// Stores the first `count` of a register's lanes.
MK_INLINE void store_some(float* out, int32_t count, V value) {
  if (count >= kLanes)
    store(out, value);
  else if (count > 0)
    store_first(out, count, value);
}

// Estimated time on one core, for the choice of threads: streaming the weights or multiplying, whichever takes longer.
MK_INLINE double product_ns(const PackedMatrix& matrix, int64_t rows) {
  const double bytes = static_cast<double>(matrix.panel_bytes) * matrix.panels;
  const double weights = static_cast<double>(matrix.columns) * matrix.panels * kPanelWidth;
  const double stream_ns = bytes / 16.0;
  const double multiply_ns = 2.0 * weights * static_cast<double>(rows) / (kLanes == 16 ? 120.0 : 60.0);
  return stream_ns > multiply_ns ? stream_ns : multiply_ns;
}

// Panels that a thread takes at a time: a few, so that single rows have several streams in flight, but few enough that
// all threads get some and that the panels stay in the second-level cache while further tiles of rows pass over them.
MK_INLINE int32_t panels_at_once(const PackedMatrix& matrix, int32_t threads) {
  const int64_t cache_panels = static_cast<int64_t>((512u << 10) / (matrix.panel_bytes + 1)) + 1;
  const int64_t fair_panels = matrix.panels / (4 * static_cast<int64_t>(threads)) + 1;
  const int64_t least = cache_panels < fair_panels ? cache_panels : fair_panels;
  return static_cast<int32_t>(least < 4 ? least : 4);
}

}  // namespace mk::MK_ISA

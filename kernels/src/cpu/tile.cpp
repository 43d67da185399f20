// The kernels of tile.h: one for each number of rows, of units beside each other, and type of weights.
#include "tile.h"

namespace mk::MK_ISA {
namespace {

template <int kRows, int kUnits, int32_t kDtype>
MK_INLINE void multiply_columns(const float* const* in, const char* const* units, const Ahead& ahead, int32_t begin,
                                int32_t end, const typename Stored<kDtype>::UnitScales (&scales)[kUnits],
                                V (&first)[kRows][kUnits], V (&second)[kRows][kUnits]) {
  // What stays in registers beside the sums: the weights of all units while the rows pass, or the rows' values while
  // the units pass, whichever is less.
  constexpr bool kHoldWeights = 2 * kUnits + 1 <= kRows + 2;
  for (int32_t k = begin; k < end; ++k) {
    const int64_t at = static_cast<int64_t>(k) * line_bytes_of(kDtype);
    if constexpr (kHoldWeights) {
      V low[kUnits], high[kUnits];
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        prefetch(units[u] + ahead.offset + static_cast<int64_t>(k) * ahead.step);
        Stored<kDtype>::load(units[u] + at, scales[u], low[u], high[u]);
      }
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
        prefetch(units[u] + ahead.offset + static_cast<int64_t>(k) * ahead.step);
        Stored<kDtype>::load(units[u] + at, scales[u], low, high);
#pragma GCC unroll 12
        for (int r = 0; r < kRows; ++r) {
          first[r][u] = fma(value[r], low, first[r][u]);
          second[r][u] = fma(value[r], high, second[r][u]);
        }
      }
    }
  }
}

const char* panel_at(const PackedMatrix& matrix, int32_t panel) {
  return static_cast<const char*>(matrix.data) + matrix.panel_bytes * static_cast<uint64_t>(panel);
}

template <int kRows, int kUnits, int32_t kDtype>
__attribute__((noinline)) void multiply(const PackedMatrix& matrix, int32_t unit, const float* const* in,
                                        const Ahead& ahead, bool resume, float* sums) {
  using Type = Stored<kDtype>;
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
  constexpr int32_t kStep = scale_columns_of(kDtype);
  if constexpr (kStep == 0) {
    multiply_columns<kRows, kUnits, kDtype>(in, units, ahead, 0, matrix.columns, scales, first, second);
  } else {
    const int64_t scales_from = static_cast<int64_t>(scales_offset(matrix.columns, kDtype));
    for (int32_t begin = 0; begin < matrix.columns; begin += kStep) {
      const int32_t end = begin + kStep < matrix.columns ? begin + kStep : matrix.columns;
#pragma GCC unroll 4
      for (int u = 0; u < kUnits; ++u) {
        const char* line = panel_at(matrix, (unit + u) / kUnitsPerPanel) + scales_from +
                           static_cast<int64_t>(begin / kStep) * scale_line_bytes_of(kDtype);
        scales[u] = Type::load_scales(line + (unit + u) % kUnitsPerPanel * Type::kScaleBytes);
      }
      multiply_columns<kRows, kUnits, kDtype>(in, units, ahead, begin, end, scales, first, second);
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

template <int kRows, int32_t kDtype>
void multiply_exactly(const PackedMatrix& matrix, int32_t unit, int32_t units, const float* const* in, int32_t rows,
                      const Ahead& ahead, bool resume, float* sums) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return multiply_exactly<kRows - 1, kDtype>(matrix, unit, units, in, rows, ahead, resume, sums);
  }
  if (units == 1)
    multiply<kRows, 1, kDtype>(matrix, unit, in, ahead, resume, sums);
  else
    multiply<kRows, units_beside(kRows), kDtype>(matrix, unit, in, ahead, resume, sums);
}

template <int32_t kDtype>
void widen(const PackedMatrix& matrix, int32_t panel, int32_t begin, int32_t end, float* out) {
  using Type = Stored<kDtype>;
  constexpr int32_t kStep = scale_columns_of(kDtype);
  const char* data = panel_at(matrix, panel);
  for (int32_t from = begin; from < end; from += kStep) {
    const int32_t to = from + kStep < end ? from + kStep : end;
    const char* scale_line =
        data + scales_offset(matrix.columns, kDtype) + static_cast<int64_t>(from / kStep) * scale_line_bytes_of(kDtype);
    for (int u = 0; u < kUnitsPerPanel; ++u) {
      const Scales scales = Type::load_scales(scale_line + u * Type::kScaleBytes);
      float* at = out + static_cast<int64_t>(from - begin) * kPanelWidth + u * kLanes;
      for (int32_t k = from; k < to; ++k, at += kPanelWidth) {
        V low, high;
        const char* line = data + static_cast<int64_t>(k) * line_bytes_of(kDtype) + u * Type::kUnitBytes;
        prefetch(line + kNearBytes);
        Type::load(line, scales, low, high);
        store(at, low);
        store(at + kPanelHalf, high);
      }
    }
  }
}

}  // namespace

void multiply_tile(const PackedMatrix& matrix, int32_t unit, int32_t units, const float* const* in, int32_t rows,
                   const Ahead& ahead, bool resume, float* sums) {
  switch (matrix.dtype) {
    case MK_F32:
      return multiply_exactly<kMostTileRows, MK_F32>(matrix, unit, units, in, rows, ahead, resume, sums);
    case MK_BF16:
      return multiply_exactly<kMostTileRows, MK_BF16>(matrix, unit, units, in, rows, ahead, resume, sums);
    case MK_F8_E4M3:
      return multiply_exactly<kMostTileRows, MK_F8_E4M3>(matrix, unit, units, in, rows, ahead, resume, sums);
    default:
      return multiply_exactly<kMostTileRows, MK_MXFP4>(matrix, unit, units, in, rows, ahead, resume, sums);
  }
}

void widen_panel(const PackedMatrix& matrix, int32_t panel, int32_t begin, int32_t end, float* out) {
  if (matrix.dtype == MK_F8_E4M3)
    widen<MK_F8_E4M3>(matrix, panel, begin, end, out);
  else
    widen<MK_MXFP4>(matrix, panel, begin, end, out);
}

}  // namespace mk::MK_ISA

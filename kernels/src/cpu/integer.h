// Products with 8- and 4-bit weights: rows quantised first, then panels for blocks of rows.
#pragma once

#include "integer_tile.h"
#include "runtime.h"
#include "tile.h"

namespace mk::MK_ISA {

// Writes a row's codes, factors and sums (quantised_row.h).
void quantise_row(const float* in, int32_t columns, void* out);

// Rows that pass over a panel while it is in the cache.
constexpr int32_t kIntegerBlockRows = 48;

MK_INLINE void integer_tile(const Runtime& runtime, const PackedMatrix& matrix, int32_t panel, int32_t panels,
                            const QuantisedRow* rows, int32_t count, float* sums) {
#if defined(__AVX512F__)
  if (uses_vnni(runtime)) return avx512vnni::multiply_integer_tile(matrix, panel, panels, rows, count, sums);
#endif
  (void)runtime;
  multiply_integer_tile(matrix, panel, panels, rows, count, sums);
}

// Panels panel_begin .. panel_end-1 for rows row_begin .. row_end-1, whose quantised form lies at `row_at(i)`; `finish` as in tile.h.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_integer_rows(const Runtime& runtime, const PackedMatrix& matrix, int32_t panel_begin,
                                     int32_t panel_end, int32_t row_begin, int32_t row_end, const RowAt& row_at,
                                     const Finish& finish) {
  alignas(64) float sums[kIntegerBlockRows * kPanelWidth];
  QuantisedRow rows[kIntegerBlockRows];
  for (int32_t block = row_begin; block < row_end; block += kIntegerBlockRows) {
    const int32_t count = row_end - block < kIntegerBlockRows ? row_end - block : kIntegerBlockRows;
    for (int32_t r = 0; r < count; ++r) rows[r] = quantised_row_at(row_at(block + r), matrix.columns);
    for (int32_t panel = panel_begin; panel < panel_end;) {
      const int32_t panels = count == 1 && panel + 2 <= panel_end ? 2 : 1;
      integer_tile(runtime, matrix, panel, panels, rows, count, sums);
      for (int32_t r = 0; r < count; ++r) {
        for (int32_t p = 0; p < panels; ++p) {
          const float* at = sums + (r * panels + p) * kPanelWidth;
          for (int32_t lane = 0; lane < kPanelHalf; lane += kLanes)
            finish(block + r, panel + p, lane, load(at + lane), load(at + kPanelHalf + lane));
        }
      }
      panel += panels;
    }
  }
}

}  // namespace mk::MK_ISA

// Rows in the form in which products with a type of weights take them, and those products.
#pragma once

#include "integer.h"
#include "pair_tile.h"
#include "runtime.h"
#include "tile.h"

namespace mk::MK_ISA {

// Bytes of a prepared row: quantised beside weights of whole numbers, rounded beside bf16; 0: taken as it is.
int64_t prepared_row_bytes(const Runtime& runtime, const PackedMatrix& matrix);

void prepare_row(const Runtime& runtime, const PackedMatrix& matrix, const float* in, void* out);

// Estimated time on one core to prepare so many rows.
MK_INLINE double prepare_ns(const PackedMatrix& matrix, int64_t rows) {
  const double element_ns = (is_integer(matrix.dtype) ? 0.15 : 0.05) * (kLanes == 16 ? 1.0 : 2.0);
  return static_cast<double>(rows) * matrix.columns * element_ns;
}

// Panels panel_begin .. panel_end-1 for rows row_begin .. row_end-1. `row_at(i)` is where row i lies, prepared or as it
// is; `finish` as in tile.h.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_prepared(const Runtime& runtime, const PackedMatrix& matrix, int32_t panel_begin,
                                 int32_t panel_end, int32_t row_begin, int32_t row_end, const RowAt& row_at,
                                 const Finish& finish) {
  if (is_integer(matrix.dtype))
    multiply_integer_rows(runtime, matrix, panel_begin, panel_end, row_begin, row_end, row_at, finish);
  else
    multiply_rows(runtime, matrix, panel_begin, panel_end, row_begin, row_end, row_at, finish);
}

// Item `item` of a matrix' panel_chunks x row_blocks: its chunk of panels for its block of the `rows` rows.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_item(const Runtime& runtime, const PackedMatrix& matrix, const ProductCut& cut, int64_t item,
                             int32_t rows, const RowAt& row_at, const Finish& finish) {
  const int32_t panel = static_cast<int32_t>(item % cut.panel_chunks) * cut.panels_at_once;
  const int32_t panel_end = panel + cut.panels_at_once < matrix.panels ? panel + cut.panels_at_once : matrix.panels;
  const int64_t row = item / cut.panel_chunks * cut.rows_at_once;
  const int64_t row_end = row + cut.rows_at_once < rows ? row + cut.rows_at_once : rows;
  multiply_prepared(runtime, matrix, panel, panel_end, static_cast<int32_t>(row), static_cast<int32_t>(row_end), row_at,
                    finish);
}

}  // namespace mk::MK_ISA

// A checkpoint's matrix (mk_matrix) as the packers read it: a run of one row's elements at a time.
#pragma once

#include <cstdint>

#include "mk/mk.h"

namespace mk {

// Why a matrix cannot be packed, found while it is read.
enum class Defect : int32_t { kNone, kCode, kScale, kLargeScale, kValue };

// A row of a matrix whose strides are resolved; beyond the matrix, `matrix` is null and elements are zero.
struct SourceRow {
  const mk_matrix* matrix = nullptr;
  int32_t row = 0;
};

// The matrix with its default strides written out.
mk_matrix resolve_strides(const mk_matrix& matrix, int32_t columns);

// Elements begin .. begin+length-1 as numbers, scaled.
Defect read_values(const SourceRow& source, int32_t begin, int32_t length, float* out);

// Where elements begin .. lie as bf16 one after the other; null where they do not.
const uint16_t* bf16_run(const SourceRow& source, int32_t begin);

// The same elements' codes, one a byte: F8_E4M3 and MXFP4 only.
Defect read_codes(const SourceRow& source, int32_t begin, int32_t length, uint8_t* out);

// The scale of the block that a column lies in.
Defect read_f8_scale(const SourceRow& source, int32_t column, float* out);
Defect read_mxfp4_scale(const SourceRow& source, int32_t column, uint8_t* out);

}  // namespace mk

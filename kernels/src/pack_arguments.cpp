// The checks of what is to be packed.
#include <algorithm>
#include <string>

#include "arguments.h"
#include "bounds.h"
#include "error.h"
#include "packed.h"
#include "source.h"

namespace mk {
namespace {

void require_of(const char* what, bool holds, const char* text) {
  if (!holds) throw Error(MK_INVALID, std::string(what) + ": " + text);
}

[[noreturn]] void lack(const char* what, const char* text) {
  throw Error(MK_UNSUPPORTED, std::string(what) + ": " + text);
}

// `data_dtype` may be F32, BF16, F16 or one that has scales.
bool has_scales(int32_t data_dtype) { return scale_columns_of(data_dtype) != 0; }

void check_blocks(const mk_matrix& matrix, const char* what) {
  require_of(what, matrix.scales != nullptr, "scales is null");
  require_of(what, matrix.block_rows > 0 && matrix.block_columns > 0, "block_rows and block_columns must be positive");
  require_of(what, matrix.scale_row >= 0 && matrix.scale_row < matrix.block_rows, "scale_row is outside its block");
  require_of(what, matrix.scale_column >= 0 && matrix.scale_column < matrix.block_columns,
             "scale_column is outside its block");
  require_of(what, matrix.scale_row_stride >= 0 && matrix.scale_column_stride >= 0,
             "scale strides must not be negative");
}

// A packed weight has one scale for each of its own blocks of columns.
void check_blocks_fit(const mk_matrix& matrix, const char* what, int32_t columns, int32_t dtype) {
  const int32_t step = scale_columns_of(dtype);
  for (int64_t first = 0; first < columns; first += step) {
    const int64_t last = std::min<int64_t>(first + step, columns) - 1;
    if ((matrix.scale_column + first) / matrix.block_columns != (matrix.scale_column + last) / matrix.block_columns)
      lack(what, "its blocks of columns do not fit the packed type's; pack it as F32");
  }
}

void check_source(const mk_matrix& matrix, const char* what, int32_t columns, int32_t dtype) {
  require_of(what, matrix.rows >= 0, "rows must not be negative");
  require_of(what, matrix.rows == 0 || matrix.data != nullptr, "data is null");
  if (matrix.data_dtype < MK_F32 || matrix.data_dtype > MK_MXFP4)
    lack(what, "data_dtype must be F32, BF16, F16, F8_E4M3 or MXFP4");
  if (has_scales(dtype) && dtype != matrix.data_dtype)
    lack(what, "F8_E4M3 and MXFP4 are packed from the same type only");
  require_of(what, matrix.row_stride >= 0 && matrix.column_stride >= 0, "strides must not be negative");
  if (!has_scales(matrix.data_dtype)) {
    require_of(what, matrix.scales == nullptr, "this data_dtype has no scales");
    return;
  }
  check_blocks(matrix, what);
  if (matrix.data_dtype == MK_MXFP4) {
    const mk_matrix resolved = resolve_strides(matrix, columns);
    require_of(what, resolved.column_stride == 1, "column_stride of MXFP4 must be 1");
    require_of(what, resolved.row_stride % 2 == 0, "row_stride of MXFP4 must be even");
  }
  if (has_scales(dtype)) check_blocks_fit(matrix, what, columns, dtype);
}

void check_packed_dtype(int32_t dtype) {
  if (!is_stored_dtype(dtype) && !has_scales(dtype) && !is_integer(dtype))
    throw Error(MK_UNSUPPORTED, "weights are packed as F32, BF16, F8_E4M3, MXFP4, INT8 or INT4");
}

}  // namespace

void check_weight(const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype) {
  require(matrices != nullptr && count > 0, "at least one matrix is needed");
  require(columns > 0, "columns must be positive");
  check_packed_dtype(dtype);
  int64_t rows = 0;
  for (int32_t i = 0; i < count; ++i) {
    check_source(matrices[i], "matrix", columns, dtype);
    rows += matrices[i].rows;
  }
  require(rows > 0 && rows <= kMostFeatures, "the matrices' rows must add up to 1..2^30");
}

void check_restored(int32_t rows, int32_t columns, int32_t dtype) {
  require(rows > 0 && rows <= kMostFeatures && columns > 0, "rows must be in 1..2^30, and columns positive");
  check_packed_dtype(dtype);
}

void check_shape(const mk_experts_shape& shape) {
  require(shape.count >= 0, "count must not be negative");
  require(shape.hidden > 0 && shape.width > 0 && shape.hidden <= kMostFeatures && shape.width <= kMostFeatures,
          "hidden and width must be in 1..2^30");
  check_packed_dtype(shape.dtype);
  require(shape.activation == MK_SWIGLU || shape.activation == MK_SWIGLU_CLAMPED,
          "activation must be swiglu or swiglu clamped");
  require(shape.activation != MK_SWIGLU_CLAMPED || shape.limit > 0.0f, "limit must be positive");
}

void check_experts(const mk_experts_shape& shape, const mk_expert_matrices* experts) {
  check_shape(shape);
  require(shape.count == 0 || experts != nullptr, "experts is null");
  for (int32_t i = 0; i < shape.count; ++i) {
    const mk_expert_matrices& expert = experts[i];
    check_source(expert.gate, "gate", shape.hidden, shape.dtype);
    check_source(expert.up, "up", shape.hidden, shape.dtype);
    check_source(expert.down, "down", shape.width, shape.dtype);
    require(expert.gate.rows == shape.width && expert.up.rows == shape.width, "gate and up must have `width` rows");
    require(expert.down.rows == shape.hidden, "down must have `hidden` rows");
    require((expert.gate_bias == nullptr) == (expert.up_bias == nullptr), "gate_bias and up_bias go together");
    require((expert.gate_bias == nullptr) == (experts[0].gate_bias == nullptr) &&
                (expert.down_bias == nullptr) == (experts[0].down_bias == nullptr),
            "all experts or none have a bias");
  }
}

}  // namespace mk

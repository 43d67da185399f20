#include "source.h"

#include <algorithm>
#include <cmath>

#include "numbers.h"

namespace mk {
namespace {

int64_t index_of(const SourceRow& source, int32_t column) {
  return source.row * source.matrix->row_stride + column * source.matrix->column_stride;
}

int64_t scale_index_of(const SourceRow& source, int32_t column) {
  const mk_matrix& matrix = *source.matrix;
  const int64_t row = (static_cast<int64_t>(matrix.scale_row) + source.row) / matrix.block_rows;
  const int64_t block_column = (static_cast<int64_t>(matrix.scale_column) + column) / matrix.block_columns;
  return row * matrix.scale_row_stride + block_column * matrix.scale_column_stride;
}

// How many columns from `column` on share its scale.
int32_t columns_of_block(const mk_matrix& matrix, int32_t column, int32_t most) {
  const int64_t within = (static_cast<int64_t>(matrix.scale_column) + column) % matrix.block_columns;
  return static_cast<int32_t>(std::min<int64_t>(most, matrix.block_columns - within));
}

template <typename Convert>
void read_plain(const SourceRow& source, int32_t begin, int32_t length, float* out, Convert convert) {
  const int64_t step = source.matrix->column_stride;
  const int64_t first = index_of(source, begin);
  for (int32_t i = 0; i < length; ++i) out[i] = convert(first + i * step);
}

// What every code stands for.
struct CodeValues {
  CodeValues() {
    for (uint32_t code = 0; code < 256; ++code) f8[code] = float_of_f8(code);
    for (uint32_t code = 0; code < 16; ++code) f4[code] = float_of_f4(code);
  }
  float f8[256];
  float f4[16];
};

Defect read_scale(const SourceRow& source, int32_t column, float* out) {
  if (source.matrix->data_dtype == MK_F8_E4M3) return read_f8_scale(source, column, out);
  uint8_t exponent = 0;
  const Defect defect = read_mxfp4_scale(source, column, &exponent);
  *out = power_of_e8m0(exponent);
  return defect;
}

constexpr int32_t kRun = 64;

Defect read_scaled(const SourceRow& source, int32_t begin, int32_t length, float* out) {
  static const CodeValues values;
  const float* value_of = source.matrix->data_dtype == MK_F8_E4M3 ? values.f8 : values.f4;
  for (int32_t done = 0; done < length;) {
    const int32_t run = columns_of_block(*source.matrix, begin + done, std::min(kRun, length - done));
    uint8_t codes[kRun];
    float scale = 0.0f;
    const Defect of_codes = read_codes(source, begin + done, run, codes);
    const Defect of_scale = read_scale(source, begin + done, &scale);
    if (of_codes != Defect::kNone) return of_codes;
    if (of_scale != Defect::kNone) return of_scale;
    for (int32_t i = 0; i < run; ++i) out[done + i] = value_of[codes[i]] * scale;
    done += run;
  }
  return Defect::kNone;
}

}  // namespace

mk_matrix resolve_strides(const mk_matrix& matrix, int32_t columns) {
  mk_matrix resolved = matrix;
  if (resolved.row_stride == 0) resolved.row_stride = columns;
  if (resolved.column_stride == 0) resolved.column_stride = 1;
  return resolved;
}

Defect read_values(const SourceRow& source, int32_t begin, int32_t length, float* out) {
  if (source.matrix == nullptr) {
    std::fill_n(out, length, 0.0f);
    return Defect::kNone;
  }
  const void* data = source.matrix->data;
  switch (source.matrix->data_dtype) {
    case MK_F32:
      read_plain(source, begin, length, out, [data](int64_t i) { return static_cast<const float*>(data)[i]; });
      return Defect::kNone;
    case MK_BF16:
      read_plain(source, begin, length, out,
                 [data](int64_t i) { return float_of_bf16(static_cast<const uint16_t*>(data)[i]); });
      return Defect::kNone;
    case MK_F16:
      read_plain(source, begin, length, out,
                 [data](int64_t i) { return float_of_f16(static_cast<const uint16_t*>(data)[i]); });
      return Defect::kNone;
    default:
      return read_scaled(source, begin, length, out);
  }
}

const uint16_t* bf16_run(const SourceRow& source, int32_t begin) {
  if (source.matrix == nullptr || source.matrix->data_dtype != MK_BF16 || source.matrix->column_stride != 1)
    return nullptr;
  return static_cast<const uint16_t*>(source.matrix->data) + index_of(source, begin);
}

Defect read_codes(const SourceRow& source, int32_t begin, int32_t length, uint8_t* out) {
  if (source.matrix == nullptr) {
    std::fill_n(out, length, static_cast<uint8_t>(0));
    return Defect::kNone;
  }
  const uint8_t* data = static_cast<const uint8_t*>(source.matrix->data);
  const int64_t first = index_of(source, begin);
  if (source.matrix->data_dtype == MK_MXFP4) {
    const uint64_t from = static_cast<uint64_t>(first);
    for (uint64_t i = 0; i < static_cast<uint64_t>(length); ++i)
      out[i] = static_cast<uint8_t>(nibble(data[(from + i) / 2], static_cast<uint32_t>(from + i)));
    return Defect::kNone;
  }
  const int64_t step = source.matrix->column_stride;
  bool numbers = true;
  for (int32_t i = 0; i < length; ++i) {
    out[i] = data[first + i * step];
    numbers &= is_f8_number(out[i]);
  }
  return numbers ? Defect::kNone : Defect::kCode;
}

Defect read_f8_scale(const SourceRow& source, int32_t column, float* out) {
  *out = 0.0f;
  if (source.matrix == nullptr) return Defect::kNone;
  *out = static_cast<const float*>(source.matrix->scales)[scale_index_of(source, column)];
  return std::isfinite(*out) ? Defect::kNone : Defect::kScale;
}

Defect read_mxfp4_scale(const SourceRow& source, int32_t column, uint8_t* out) {
  *out = 127;
  if (source.matrix == nullptr) return Defect::kNone;
  *out = static_cast<const uint8_t*>(source.matrix->scales)[scale_index_of(source, column)];
  return *out != 255 ? Defect::kNone : Defect::kScale;
}

}  // namespace mk

// Generated matrices of the types that have scales, and what their elements stand for by the plain definition.
#pragma once

#include "harness.h"

namespace mk::test {

// E4M3.
inline float f8_value(int32_t code) {
  const int32_t exponent = (code >> 3) & 15, mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(1.0 + mantissa / 8.0, exponent - 7);
  return static_cast<float>((code & 0x80) != 0 ? -magnitude : magnitude);
}

// E2M1.
inline float f4_value(int32_t code) {
  constexpr float kMagnitudes[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  return (code & 8) != 0 ? -kMagnitudes[code & 7] : kMagnitudes[code & 7];
}

// How the blocks of a generated matrix lie.
struct Blocks {
  int32_t rows;
  int32_t columns;
  int32_t scale_row = 0;  // where the matrix begins within its first block
  int32_t scale_column = 0;
};

inline Blocks usual_blocks(int32_t dtype) { return dtype == MK_F8_E4M3 ? Blocks{128, 128} : Blocks{1, 32}; }

class QuantisedMatrix {
 public:
  QuantisedMatrix(uint64_t seed, int32_t dtype, int32_t rows, int32_t columns, Blocks blocks)
      : dtype_(dtype), rows_(rows), columns_(columns), stride_((columns + 3) / 2 * 2), blocks_(blocks) {
    Random random(seed);
    const int32_t codes = rows * stride_;
    for (int32_t i = 0; i < (dtype == MK_MXFP4 ? codes / 2 : codes); ++i) {
      const uint8_t code = static_cast<uint8_t>(random.below(256));
      codes_.push_back(dtype == MK_F8_E4M3 && (code & 0x7f) == 0x7f ? 0x80 : code);
    }
    scale_stride_ = (blocks.scale_column + columns - 1) / blocks.columns + 3;
    const int32_t scales = ((blocks.scale_row + rows - 1) / blocks.rows + 1) * scale_stride_;
    for (int32_t i = 0; i < scales; ++i) {
      exponents_.push_back(static_cast<uint8_t>(116 + random.below(10)));
      scales_.push_back(std::ldexp(1.0f + random.number() / 2, random.below(8) - 15));
    }
  }

  mk_matrix source() const {
    mk_matrix matrix = {};
    matrix.data = codes_.data();
    matrix.scales = is_f8() ? static_cast<const void*>(scales_.data()) : exponents_.data();
    matrix.row_stride = stride_;
    matrix.scale_row_stride = scale_stride_;
    matrix.scale_column_stride = 1;
    matrix.block_rows = blocks_.rows;
    matrix.block_columns = blocks_.columns;
    matrix.scale_row = blocks_.scale_row;
    matrix.scale_column = blocks_.scale_column;
    matrix.data_dtype = dtype_;
    matrix.rows = rows_;
    return matrix;
  }

  float value(int32_t row, int32_t column) const {
    const size_t at = static_cast<size_t>(row * stride_ + column);
    const size_t scale = static_cast<size_t>((blocks_.scale_row + row) / blocks_.rows * scale_stride_ +
                                             (blocks_.scale_column + column) / blocks_.columns);
    if (is_f8()) return f8_value(codes_[at]) * scales_[scale];
    return f4_value(codes_[at / 2] >> (at % 2 * 4) & 15) * std::ldexp(1.0f, exponents_[scale] - 127);
  }

  // Row-major, without padding.
  std::vector<float> values() const {
    std::vector<float> all;
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t column = 0; column < columns_; ++column) all.push_back(value(row, column));
    }
    return all;
  }

  std::vector<uint8_t>& codes() { return codes_; }
  std::vector<float>& scales() { return scales_; }
  std::vector<uint8_t>& exponents() { return exponents_; }

 private:
  bool is_f8() const { return dtype_ == MK_F8_E4M3; }

  int32_t dtype_, rows_, columns_, stride_;
  Blocks blocks_;
  int32_t scale_stride_ = 0;
  std::vector<uint8_t> codes_, exponents_;
  std::vector<float> scales_;
};

// A matrix packed as any type: generated as the type itself where that has scales, else as fp32 and rounded.
class AnyMatrix {
 public:
  AnyMatrix(uint64_t seed, int32_t dtype, int32_t rows, int32_t columns, float scale = 1.0f)
      : quantised_(seed, dtype == MK_MXFP4 ? MK_MXFP4 : MK_F8_E4M3, rows, columns, usual_blocks(dtype)),
        has_scales_(dtype == MK_F8_E4M3 || dtype == MK_MXFP4) {
    values_ = has_scales_ ? quantised_.values() : Random(seed).numbers(static_cast<int64_t>(rows) * columns, scale);
    source_ = has_scales_ ? quantised_.source() : plain_matrix(values_.data(), MK_F32, rows);
    if (!has_scales_) rounded_ = values_;
    if (dtype == MK_F32 || dtype == MK_BF16) {
      for (float& value : rounded_) value = rounded_to(dtype, value);
    }
  }
  AnyMatrix(AnyMatrix&&) = default;

  const mk_matrix& source() const { return source_; }
  // What the packed elements stand for, [rows, columns].
  const std::vector<float>& values() const { return has_scales_ ? values_ : rounded_; }

 private:
  QuantisedMatrix quantised_;
  bool has_scales_;
  std::vector<float> values_, rounded_;
  mk_matrix source_;
};

constexpr int32_t kPackedDtypes[] = {MK_F32, MK_BF16, MK_F8_E4M3, MK_MXFP4, MK_INT8, MK_INT4};
// Those whose products are of the packed numbers themselves, without further rounding.
constexpr int32_t kExactDtypes[] = {MK_F32, MK_BF16, MK_F8_E4M3, MK_MXFP4};

}  // namespace mk::test

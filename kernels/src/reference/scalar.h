// The formulas that several reference operations share, one scalar at a time.
#pragma once

#include <cmath>

#include "exp_constants.h"
#include "numbers.h"
#include "packed.h"
#include "quantised_row.h"

namespace mk::reference {

static inline float exp_of(float x) {
  const float y = kExpMost < x ? kExpMost : x;
  const float t = std::fma(y, kLog2E, kRound);
  const float n = t - kRound;
  float r = std::fma(n, -kLn2High, y);
  r = std::fma(n, -kLn2Low, r);
  float q = std::fma(kExpC4, r, kExpC3);
  q = std::fma(q, r, kExpC2);
  q = std::fma(q, r, kExpC1);
  q = std::fma(q, r, kExpC0);
  const float e = std::fma(r * r, q, r) + 1.0f;
  const float power = float_of_bits((bits_of_float(t) << 23) + 0x3f800000u);
  return x < kExpLeast ? 0.0f : e * power;
}

static inline float sigmoid_of(float x) { return 1.0f / (1.0f + exp_of(-x)); }

static inline float silu_of(float x) { return x / (1.0f + exp_of(-x)); }

// The sum of sixteen lanes: 8+8, 4+4, 2+2, 1+1. Overwrites them.
template <typename Number>
static inline Number fold_sum(Number (&lanes)[16]) {
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] = lanes[i] + lanes[i + width];
  }
  return lanes[0];
}

static inline float max_of(float a, float b) { return a > b ? a : b; }

// Weight of output feature `half`-and-`lane` of a panel for in_feature k. Of a type with scales it is one fp32 product.
static inline float packed_at(const PackedMatrix& matrix, int32_t panel, int32_t half, int32_t lane, int32_t k) {
  const char* data = static_cast<const char*>(matrix.data) + matrix.panel_bytes * static_cast<uint64_t>(panel);
  const char* line = data + static_cast<int64_t>(k / line_columns_of(matrix.dtype)) * line_bytes_of(matrix.dtype);
  const uint64_t pair = static_cast<uint64_t>(2 * lane + half);
  const uint64_t plain = static_cast<uint64_t>(half * kPanelHalf + lane);
  if (matrix.dtype == MK_F32) return load_as_float(line, plain, MK_F32);
  if (matrix.dtype == MK_BF16) {
    const uint32_t columns = reinterpret_cast<const uint32_t*>(line)[plain];
    return float_of_bits(k % 2 == 0 ? columns & 0xffff0000u : columns << 16);
  }
  const char* scales = data + scales_offset(matrix.columns, matrix.dtype) +
                       static_cast<int64_t>(k / scale_columns_of(matrix.dtype)) * scale_line_bytes_of(matrix.dtype);
  if (matrix.dtype == MK_F8_E4M3)
    return float_of_f8(static_cast<uint8_t>(line[pair])) * load_as_float(scales, plain, MK_F32);
  return float_of_f4(nibble(static_cast<uint8_t>(line[lane]), static_cast<uint32_t>(half))) *
         power_of_e8m0(static_cast<uint8_t>(scales[plain]));
}

// One chain over the in_features, ascending, from 0; beside bf16 weights of the row rounded to bf16, without subnormals.
static inline float dot(const PackedMatrix& matrix, int32_t panel, int32_t half, int32_t lane, const float* in) {
  float sum = 0.0f;
  if (matrix.dtype == MK_BF16) {
    for (int32_t k = 0; k < matrix.columns; ++k) {
      const float weight = zero_if_subnormal(packed_at(matrix, panel, half, lane, k));
      sum = zero_if_subnormal(std::fma(rounded_to_bf16(in[k]), weight, sum));
    }
    return matrix.columns % 2 == 0 ? sum : sum + 0.0f;  // the last pair's other half: makes -0 to 0
  }
  for (int32_t k = 0; k < matrix.columns; ++k) sum = std::fma(in[k], packed_at(matrix, panel, half, lane, k), sum);
  return sum;
}

// Writes a row's codes, factors and sums (quantised_row.h).
static inline void quantise_row(const float* in, int32_t columns, void* out) {
  const QuantisedRow row = quantised_row_at(out, columns);
  int8_t* codes = const_cast<int8_t*>(row.codes);
  for (int32_t group = 0; group < groups_of(columns); ++group, codes += kGroupColumns) {
    const float* from = in + group * kGroupColumns;
    const int32_t length =
        columns - group * kGroupColumns < kGroupColumns ? columns - group * kGroupColumns : kGroupColumns;
    uint32_t most = 0;  // of magnitudes, the order of the bits is the order of the numbers
    for (int32_t i = 0; i < length; ++i) {
      const uint32_t bits = bits_of_float(from[i]) & 0x7fffffffu;
      most = bits > most ? bits : most;
    }
    const float m = float_of_bits(most);
    const bool is_finite = most < 0x7f800000u, is_zero = m < kLeastMagnitude;
    const float scale = is_finite && !is_zero ? 127.0f / m : 0.0f;
    int32_t sum = 0;
    for (int32_t i = 0; i < kGroupColumns; ++i) {
      const float code = scale != 0.0f && i < length ? std::nearbyint(from[i] * scale) : 0.0f;
      codes[i] = static_cast<int8_t>(code > 127.0f ? 127.0f : code < -127.0f ? -127.0f : code);
      sum += codes[i];
    }
    const_cast<float*>(row.factors)[group] = !is_finite ? float_of_bits(0x7fc00000u) : is_zero ? 0.0f : m * kOver127;
    const_cast<int32_t*>(row.sums)[group] = sum;
  }
}

// Code of output feature `half`-and-`lane` of a panel's group for its column k.
static inline int32_t code_at(const PackedMatrix& matrix, const uint8_t* group, int32_t half, int32_t lane, int32_t k) {
  const uint8_t* bytes = group + kGroupScaleBytes;
  if (matrix.dtype == MK_INT8) return bytes[(k / 4 * 2 + half) * 64 + lane * 4 + k % 4] - 128;
  return static_cast<int32_t>(nibble(bytes[(k / 8 * 2 + half) * 64 + lane * 4 + k % 4], k % 8 < 4 ? 0u : 1u)) - 8;
}

static inline float dot_integer(const PackedMatrix& matrix, int32_t panel, int32_t half, int32_t lane,
                                const QuantisedRow& row) {
  const uint8_t* group = static_cast<const uint8_t*>(matrix.data) + matrix.panel_bytes * static_cast<uint64_t>(panel);
  float out = 0.0f;
  for (int32_t g = 0; g < groups_of(matrix.columns); ++g, group += group_bytes_of(matrix.dtype)) {
    int32_t dot = 0;
    for (int32_t k = 0; k < kGroupColumns; ++k)
      dot += code_at(matrix, group, half, lane, k) * row.codes[g * kGroupColumns + k];
    const float scale = load_as_float(group, static_cast<uint64_t>(half * kPanelHalf + lane), MK_F16);
    out = std::fma(static_cast<float>(dot), scale * row.factors[g], out);
  }
  return out;
}

// A row as products with a matrix take it: itself, or quantised into `space`, which is quantised_row_bytes long.
struct ProductRow {
  ProductRow(const PackedMatrix& matrix, const float* in, void* space) : plain(in) {
    if (!is_integer(matrix.dtype)) return;
    quantise_row(in, matrix.columns, space);
    quantised = quantised_row_at(space, matrix.columns);
  }
  const float* plain;
  QuantisedRow quantised = {};
};

static inline float product(const PackedMatrix& matrix, int32_t panel, int32_t half, int32_t lane,
                            const ProductRow& row) {
  return is_integer(matrix.dtype) ? dot_integer(matrix, panel, half, lane, row.quantised)
                                  : dot(matrix, panel, half, lane, row.plain);
}

// Output feature of a plainly packed matrix.
static inline float product_plain(const PackedMatrix& matrix, int32_t feature, const ProductRow& row) {
  return product(matrix, feature / kPanelWidth, feature % kPanelWidth / kPanelHalf, feature % kPanelHalf, row);
}

}  // namespace mk::reference

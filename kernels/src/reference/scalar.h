// The formulas that several reference operations share, one scalar at a time.
#pragma once

#include <cmath>

#include "exp_constants.h"
#include "numbers.h"
#include "packed.h"

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
  const char* line = data + static_cast<int64_t>(k) * line_bytes_of(matrix.dtype);
  const uint64_t pair = static_cast<uint64_t>(2 * lane + half);
  const uint64_t plain = static_cast<uint64_t>(half * kPanelHalf + lane);
  if (matrix.dtype == MK_F32) return load_as_float(line, plain, MK_F32);
  if (matrix.dtype == MK_BF16) return load_as_float(line, pair, MK_BF16);
  const char* scales = data + scales_offset(matrix.columns, matrix.dtype) +
                       static_cast<int64_t>(k / scale_columns_of(matrix.dtype)) * scale_line_bytes_of(matrix.dtype);
  if (matrix.dtype == MK_F8_E4M3)
    return float_of_f8(static_cast<uint8_t>(line[pair])) * load_as_float(scales, plain, MK_F32);
  return float_of_f4(nibble(static_cast<uint8_t>(line[lane]), static_cast<uint32_t>(half))) *
         power_of_e8m0(static_cast<uint8_t>(scales[plain]));
}

// One chain over the in_features, ascending, from 0.
static inline float dot(const PackedMatrix& matrix, int32_t panel, int32_t half, int32_t lane, const float* in) {
  float sum = 0.0f;
  for (int32_t k = 0; k < matrix.columns; ++k) sum = std::fma(in[k], packed_at(matrix, panel, half, lane, k), sum);
  return sum;
}

// Output feature of a plainly packed matrix.
static inline float dot_plain(const PackedMatrix& matrix, int32_t feature, const float* in) {
  return dot(matrix, feature / kPanelWidth, feature % kPanelWidth / kPanelHalf, feature % kPanelHalf, in);
}

}  // namespace mk::reference

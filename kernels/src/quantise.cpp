#include "quantise.h"

#include <cmath>

#include "numbers.h"

namespace mk {
namespace {

// Adding and taking it away again rounds to a whole number, ties to even.
constexpr float kWhole = 0x1.8p+23f;
constexpr int32_t kLanes = 8;

float rounded(float x) { return (x + kWhole) - kWhole; }

float clamped(float x, float least, float most) { return x < least ? least : x > most ? most : x; }

uint16_t finite_f16(float d) { return f16_of_float(clamped(d, -65504.0f, 65504.0f)); }

// The sum of eight lanes: 4+4, 2+2, 1+1.
float fold(const float (&lanes)[kLanes]) {
  const float a = lanes[0] + lanes[4], b = lanes[1] + lanes[5], c = lanes[2] + lanes[6], d = lanes[3] + lanes[7];
  return (a + c) + (b + d);
}

void encode(const float (&in)[kGroup], float scale, float least, float most, int8_t (&codes)[kGroup]) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  for (int32_t i = 0; i < kGroup; ++i) codes[i] = static_cast<int8_t>(clamped(rounded(in[i] * inverse), least, most));
}

// What a scale 1 / inverse explains, if it is then fitted: (sum w x c)^2 / sum w c^2, with w = x^2. The fitted scale goes to `fitted`.
float explained(const float (&in)[kGroup], float inverse, float* fitted) {
  float products[kLanes] = {}, squares[kLanes] = {};
  for (int32_t i = 0; i < kGroup; i += kLanes) {
    for (int32_t j = 0; j < kLanes; ++j) {
      const float x = in[i + j], weight = x * x;
      const float code = clamped(rounded(x * inverse), -8.0f, 7.0f);
      products[j] += weight * x * code;
      squares[j] += weight * code * code;
    }
  }
  const float product = fold(products), square = fold(squares);
  if (!(square > 0.0f)) return 0.0f;
  *fitted = product / square;
  return product * *fitted;
}

float best_scale(const float (&in)[kGroup], float extreme) {
  float best = 0.0f, scale = extreme / -8.0f;
  for (int32_t i = -8; i <= 8; ++i) {
    float fitted = 0.0f;
    const float here = explained(in, -(8.0f + 0.1f * static_cast<float>(i)) / extreme, &fitted);
    if (here > best) {
      best = here;
      scale = fitted;
    }
  }
  return scale;
}

}  // namespace

bool quantise_group(int32_t dtype, const float (&in)[kGroup], int8_t (&codes)[kGroup], uint16_t* scale) {
  float extreme = 0.0f;
  bool is_finite = true;
  for (float x : in) {
    is_finite &= (bits_of_float(x) & 0x7f800000u) != 0x7f800000u;
    if (std::fabs(x) > std::fabs(extreme)) extreme = x;
  }
  if (!is_finite) return false;
  if (dtype == MK_INT8) {
    *scale = finite_f16(std::fabs(extreme) / 127.0f);
    encode(in, float_of_f16(*scale), -127.0f, 127.0f, codes);
  } else {
    // Below this, squares of squares would vanish; the scale is then zero anyway.
    *scale = std::fabs(extreme) < 0x1p-30f ? static_cast<uint16_t>(0) : finite_f16(best_scale(in, extreme));
    encode(in, float_of_f16(*scale), -8.0f, 7.0f, codes);
  }
  return true;
}

}  // namespace mk

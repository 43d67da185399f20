#include "quantise.h"

#include "numbers.h"

#if !defined(MK_ISA)
#define MK_ISA reference
#endif

namespace mk::MK_ISA {
namespace {

// Adding and taking it away again rounds to a whole number, ties to even.
constexpr float kWhole = 0x1.8p+23f;
constexpr int32_t kLanes = 8;

float magnitude(float x) { return float_of_bits(bits_of_float(x) & 0x7fffffffu); }

float rounded(float x) { return (x + kWhole) - kWhole; }

float clamped(float x, float least, float most) { return x < least ? least : x > most ? most : x; }

uint16_t finite_f16(float d) { return f16_of_float(clamped(d, -65504.0f, 65504.0f)); }

void encode(const float (&in)[kGroup], float scale, float least, float most, int8_t (&codes)[kGroup]) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  for (int32_t i = 0; i < kGroup; ++i) codes[i] = static_cast<int8_t>(clamped(rounded(in[i] * inverse), least, most));
}

using Eight = float __attribute__((vector_size(4 * kLanes), aligned(4)));

// The sum of eight lanes: 4+4, 2+2, 1+1.
float fold(const Eight& lanes) {
  const float a = lanes[0] + lanes[4], b = lanes[1] + lanes[5], c = lanes[2] + lanes[6], d = lanes[3] + lanes[7];
  return (a + c) + (b + d);
}

// What a scale 1 / inverse explains, if it is then fitted: (sum x c)^2 / sum c^2. The fitted scale goes to `fitted`.
float explained(const Eight* in, float inverse, float* fitted) {
  Eight products = {}, squares = {};
  const Eight least = products - 8.0f, most = products + 7.0f;
  for (int32_t i = 0; i < kGroup / kLanes; ++i) {
    const Eight x = in[i];
    Eight code = (x * inverse + kWhole) - kWhole;
    code = code < least ? least : code;
    code = code > most ? most : code;
    products += x * code;
    squares += code * code;
  }
  const float product = fold(products), square = fold(squares);
  if (!(square > 0.0f)) return 0.0f;
  *fitted = product / square;
  return product * *fitted;
}

float best_scale(const float (&group)[kGroup], float extreme) {
  const Eight* in = reinterpret_cast<const Eight*>(group);
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
  for (int32_t i = 0; i < kGroup; ++i) {
    is_finite &= (bits_of_float(in[i]) & 0x7f800000u) != 0x7f800000u;
    if (magnitude(in[i]) > magnitude(extreme)) extreme = in[i];
  }
  if (!is_finite) return false;
  if (dtype == MK_INT8) {
    *scale = finite_f16(magnitude(extreme) / 127.0f);
    encode(in, float_of_f16(*scale), -127.0f, 127.0f, codes);
  } else {
    // Below this, squares vanish and fp16 has no scale.
    *scale = magnitude(extreme) < 0x1p-30f ? static_cast<uint16_t>(0) : finite_f16(best_scale(in, extreme));
    encode(in, float_of_f16(*scale), -8.0f, 7.0f, codes);
  }
  return true;
}

}  // namespace mk::MK_ISA

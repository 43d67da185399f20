// The formulas that several kernels share: those of the CPU backends.
#pragma once

#include "builtins.h"
#include "exp_constants.h"

namespace mk::device {

MK_DEVICE float exp_of(float x) {
  const float y = kExpMost < x ? kExpMost : x;
  const float t = fused(y, kLog2E, kRound);
  const float n = t - kRound;
  float r = fused(n, -kLn2High, y);
  r = fused(n, -kLn2Low, r);
  float q = fused(kExpC4, r, kExpC3);
  q = fused(q, r, kExpC2);
  q = fused(q, r, kExpC1);
  q = fused(q, r, kExpC0);
  const float e = fused(r * r, q, r) + 1.0f;
  const float power = bits_to_float((float_to_bits(t) << 23) + 0x3f800000u);
  return x < kExpLeast ? 0.0f : e * power;
}

MK_DEVICE float sigmoid_of(float x) { return 1.0f / (1.0f + exp_of(-x)); }
MK_DEVICE float silu_of(float x) { return x / (1.0f + exp_of(-x)); }

}  // namespace mk::device

// exp(x), as every backend computes it, step by step:
//   y = x > kExpMost ? kExpMost : x
//   t = fma(y, kLog2E, kRound);  n = t - kRound                        (n: y / ln 2 rounded to nearest even; its
//   integer is in t's low bits) r = fma(n, -kLn2High, y);    r = fma(n, -kLn2Low, r) q = fma(fma(fma(fma(c4, r, c3), r,
//   c2), r, c1), r, c0) e = fma(r * r, q, r) + 1 result = x < kExpLeast ? 0 : e * 2^n (2^n made from t's bits)
// The coefficients are a minimax fit of (exp(r) - 1 - r) / r^2 on |r| <= ln2 / 2; the whole is within 1 ulp. A NaN
// gives a NaN.
#pragma once

namespace mk {

constexpr float kExpMost = 88.37626f;    // n stays at most 127
constexpr float kExpLeast = -87.33654f;  // below, the result would be subnormal: it is 0
constexpr float kLog2E = 0x1.715476p+0f;
constexpr float kRound = 0x1.8p+23f;
constexpr float kLn2High = 0x1.62e430p-1f;
constexpr float kLn2Low = -0x1.05c610p-29f;
constexpr float kExpC0 = 0x1.fffffcp-2f;
constexpr float kExpC1 = 0x1.55548ap-3f;
constexpr float kExpC2 = 0x1.555916p-5f;
constexpr float kExpC3 = 0x1.123fc6p-7f;
constexpr float kExpC4 = 0x1.6a1a72p-10f;

}  // namespace mk

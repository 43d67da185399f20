// log in double from basic operations only: the C library's own may differ between CPUs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "backend.h"

namespace mk {
namespace {

constexpr double kLn2High = 0x1.62e42fefa39efp-1;
constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

// ln m for m in [sqrt(1/2), sqrt(2)): 2 atanh(z) with z = (m - 1) / (m + 1), |z| < 0.1716, as its series.
double log_near_one(double m) {
  const double z = (m - 1.0) / (m + 1.0);
  const double w = z * z;
  double series = 0.0;
  for (int n = 23; n >= 3; n -= 2) series = std::fma(series, w, 1.0 / n);
  return 2.0 * std::fma(z * w, series, z);
}

}  // namespace

int32_t best_of(const float* logits, int32_t count, float maximum, double log_sum_exp) {
  if (!(std::abs(log_sum_exp) <= std::numeric_limits<double>::max())) return -1;
  return static_cast<int32_t>(std::find(logits, logits + count, maximum) - logits);
}

double log_of_sum(float maximum, double sum) {
  // sum is at least 1 (the maximum's own term) and below 2^33, or not a number.
  if (!(sum >= 1.0)) return sum + static_cast<double>(maximum);
  const uint64_t bits = std::bit_cast<uint64_t>(sum);
  double exponent = static_cast<double>(static_cast<int64_t>(bits >> 52) - 1022);
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);  // [0.5, 1)
  if (mantissa < kSqrtHalf) {
    mantissa *= 2.0;
    exponent -= 1.0;
  }
  const double fraction = std::fma(exponent, kLn2Low, log_near_one(mantissa));
  return static_cast<double>(maximum) + std::fma(exponent, kLn2High, fraction);
}

}  // namespace mk

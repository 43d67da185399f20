// The library's own exp, which every backend repeats step by step.
#include <bit>
#include <limits>

#include "harness.h"
#include "reference/scalar.h"

namespace mk::test {
namespace {

double ulps(double expected, float actual) {
  const float nearest = static_cast<float>(expected);
  const double step = static_cast<double>(std::nextafter(std::abs(nearest), std::numeric_limits<float>::infinity())) -
                      std::abs(nearest);
  return std::abs(actual - expected) / step;
}

TEST(Exp, OverItsRange_IsWithinOneUlp) {
  double worst = 0;
  for (uint32_t bits = 0; bits < 0x42b10000u; bits += 977) {
    const float x = std::bit_cast<float>(bits);
    if (x < kExpMost) worst = std::max(worst, ulps(std::exp(static_cast<double>(x)), reference::exp_of(x)));
    if (-x >= kExpLeast) worst = std::max(worst, ulps(std::exp(-static_cast<double>(x)), reference::exp_of(-x)));
  }
  EXPECT_LE(worst, 1.0);
}

TEST(Exp, Ends_AreZeroOneAndTheLargestPower) {
  EXPECT_EQ(reference::exp_of(0.0f), 1.0f);
  EXPECT_EQ(reference::exp_of(-0.0f), 1.0f);
  EXPECT_EQ(reference::exp_of(-88.0f), 0.0f);
  EXPECT_EQ(reference::exp_of(-std::numeric_limits<float>::infinity()), 0.0f);
  EXPECT_EQ(reference::exp_of(100.0f), reference::exp_of(kExpMost));
  EXPECT_TRUE(std::isnan(reference::exp_of(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(reference::silu_of(-200.0f), -200.0f / (1.0f + reference::exp_of(200.0f)));
}

}  // namespace
}  // namespace mk::test

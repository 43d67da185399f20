// Weights in 8 and 4 bits: how they are quantised, and products at the ends of their ranges.
#include <limits>

#include "harness.h"
#include "numbers.h"
#include "quantise.h"

namespace mk::test {
namespace {

constexpr int32_t kIntegerDtypes[] = {MK_INT8, MK_INT4};

struct Group {
  float in[kGroup];
  int8_t codes[kGroup];
  uint16_t scale = 0;

  float value(int32_t i) const { return codes[i] * float_of_f16(scale); }
  double squared_error() const {
    double sum = 0;
    for (int32_t i = 0; i < kGroup; ++i) sum += std::pow(static_cast<double>(in[i]) - value(i), 2);
    return sum;
  }
};

Group quantised(int32_t dtype, const std::vector<float>& values) {
  Group group = {};
  std::copy(values.begin(), values.end(), group.in);
  EXPECT_TRUE(reference::quantise_group(dtype, group.in, group.codes, &group.scale));
  return group;
}

TEST(QuantiseGroup, Int8_IsOffByHalfAStepAtMost) {
  Random random(1);
  for (int32_t i = 0; i < 500; ++i) {
    const Group group = quantised(MK_INT8, random.numbers(kGroup, std::ldexp(1.0f, random.below(16) - 10)));
    const float step = float_of_f16(group.scale);
    for (int32_t k = 0; k < kGroup; ++k) {
      EXPECT_GE(group.codes[k], -127);
      // The greatest may be cut by as much as rounding the scale to fp16 took away.
      EXPECT_LE(std::abs(group.in[k] - group.value(k)), 0.5f * step + 127 * step * 0x1p-11f);
    }
  }
}

TEST(QuantiseGroup, Int4_LosesNoMoreThanTheGreatestAtMinusEight) {
  Random random(2);
  double ours = 0, plain = 0;
  for (int32_t i = 0; i < 500; ++i) {
    const std::vector<float> values = random.numbers(kGroup);
    const Group group = quantised(MK_INT4, values);
    float extreme = 0;
    for (float value : values) extreme = std::abs(value) > std::abs(extreme) ? value : extreme;
    Group other = group;
    other.scale = f16_of_float(extreme / -8);
    for (int32_t k = 0; k < kGroup; ++k) {
      EXPECT_GE(group.codes[k], -8);
      EXPECT_LE(group.codes[k], 7);
      other.codes[k] = static_cast<int8_t>(
          std::min(7.0f, std::max(-8.0f, std::nearbyint(values[static_cast<size_t>(k)] / float_of_f16(other.scale)))));
    }
    ours += group.squared_error();
    plain += other.squared_error();
  }
  EXPECT_LT(ours, plain);
}

TEST(QuantiseGroup, ZerosAndTheSmallest_BecomeZeros) {
  for (int32_t dtype : kIntegerDtypes) {
    for (float value : {0.0f, 1e-38f, -1e-12f}) {
      const Group group = quantised(dtype, std::vector<float>(kGroup, value));
      for (int32_t k = 0; k < kGroup; ++k) EXPECT_EQ(group.value(k), 0.0f);
    }
  }
}

TEST(QuantiseGroup, WhatIsNotFinite_IsRefused) {
  for (int32_t dtype : kIntegerDtypes) {
    for (float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::quiet_NaN()}) {
      Group group = {};
      group.in[31] = bad;
      EXPECT_FALSE(reference::quantise_group(dtype, group.in, group.codes, &group.scale));
      const std::vector<float> weights = {1, bad, 2};
      const mk_matrix source = plain_matrix(weights.data(), MK_F32, 1);
      mk_weight* weight = nullptr;
      EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 3, dtype, &weight), "finite");
    }
  }
}

TEST(F16OfFloat, EveryF16_ComesBackAndTiesGoToEven) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    if ((bits & 0x7c00u) == 0x7c00u) continue;
    EXPECT_EQ(f16_of_float(float_of_f16(static_cast<uint16_t>(bits))), bits);
  }
  EXPECT_EQ(f16_of_float(1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(f16_of_float(1.0f + 0x1.8p-10f), 0x3c02);
  EXPECT_EQ(f16_of_float(0x1p-25f), 0x0000);
  EXPECT_EQ(f16_of_float(0x1.8p-24f), 0x0002);
}

class Integer : public FastBackend {};
INSTANTIATE_TEST_SUITE_P(Backends, Integer,
                         ::testing::Values(MK_BACKEND_AVX2, MK_BACKEND_AVX512, MK_BACKEND_AVX512_VNNI,
                                           MK_BACKEND_AVX512_BF16),
                         backend_name);

std::vector<float> product(mk_context* context, const mk_weight* weight, const std::vector<float>& in, int32_t rows,
                           int32_t columns, int32_t features) {
  std::vector<float> out(static_cast<size_t>(rows * features));
  const mk_gemm_args args = {in.data(), weight, nullptr, nullptr, out.data(), rows, columns, 0, features};
  EXPECT_EQ(mk_gemm(context, nullptr, &args), MK_OK) << mk_last_error();
  return out;
}

TEST_P(Integer, PackedWeights_AreTheReferences) {
  const std::vector<float> weights = Random(8).numbers(33 * 75), in = Random(9).numbers(4 * 75);
  for (int32_t dtype : kIntegerDtypes) {
    const mk_matrix source = plain_matrix(weights.data(), MK_F32, 33);
    const Weight expected = pack(reference(), source, 75, dtype), actual = pack(contexts()[3].get(), source, 75, dtype);
    EXPECT_TRUE(same_bits(product(reference(), expected.get(), in, 4, 75, 33),
                          product(reference(), actual.get(), in, 4, 75, 33)));
  }
}

// Every weight and every element of a row at one end of its range or the other: sums of products that a careless instruction would cut off.
TEST_P(Integer, EndsOfTheRanges_DoNotSaturate) {
  constexpr int32_t kColumns = 96, kFeatures = 40, kRows = 7;
  Random random(3);
  for (int32_t dtype : kIntegerDtypes) {
    for (int32_t kind = 0; kind < 4; ++kind) {
      std::vector<float> weights(kFeatures * kColumns), in(kRows * kColumns);
      const auto sign = [&](bool same) { return same || random.below(2) == 0 ? 1.0f : -1.0f; };
      for (float& value : weights) value = sign(kind % 2 == 0) * 0.5f;
      for (float& value : in) value = sign(kind / 2 == 0) * 3.0f;
      const Weight weight = pack(reference(), plain_matrix(weights.data(), MK_F32, kFeatures), kColumns, dtype);
      const std::vector<float> expected = product(reference(), weight.get(), in, kRows, kColumns, kFeatures);
      for (const Context& context : contexts())
        EXPECT_TRUE(same_bits(expected, product(context.get(), weight.get(), in, kRows, kColumns, kFeatures)));
      for (int32_t row = 0; row < kRows; ++row) {
        for (int32_t feature = 0; feature < kFeatures; ++feature) {
          double sum = 0;
          for (int32_t k = 0; k < kColumns; ++k)
            sum += in[static_cast<size_t>(row * kColumns + k)] * weights[static_cast<size_t>(feature * kColumns + k)];
          // Of 4 bits one end is -8, the other 7.
          const double share = dtype == MK_INT8 ? 0.002 : 0.13;
          EXPECT_NEAR(sum, expected[static_cast<size_t>(row * kFeatures + feature)], share * (std::abs(sum) + 30));
        }
      }
    }
  }
}

TEST_P(Integer, ElementThatIsNotFinite_SpoilsItsRowOnly) {
  constexpr int32_t kColumns = 70, kFeatures = 50, kRows = 9;
  const std::vector<float> weights = Random(4).numbers(kFeatures * kColumns);
  for (int32_t dtype : kIntegerDtypes) {
    const Weight weight = pack(reference(), plain_matrix(weights.data(), MK_F32, kFeatures), kColumns, dtype);
    const std::vector<float> good = Random(5).numbers(kRows * kColumns);
    std::vector<float> bad = good;
    bad[4 * kColumns + 66] = std::numeric_limits<float>::infinity();
    for (const Context& context : contexts()) {
      const std::vector<float> expected = product(context.get(), weight.get(), good, kRows, kColumns, kFeatures);
      const std::vector<float> actual = product(context.get(), weight.get(), bad, kRows, kColumns, kFeatures);
      for (int32_t row = 0; row < kRows; ++row) {
        for (int32_t feature = 0; feature < kFeatures; ++feature) {
          const size_t at = static_cast<size_t>(row * kFeatures + feature);
          if (row == 4)
            EXPECT_TRUE(std::isnan(actual[at]));
          else
            EXPECT_EQ(expected[at], actual[at]);
        }
      }
    }
  }
}

TEST(IntegerReference, ProductsAreCloseToThoseOfTheNumbers) {
  constexpr int32_t kColumns = 512, kFeatures = 64;
  const std::vector<float> weights = Random(6).numbers(kFeatures * kColumns), in = Random(7).numbers(kColumns);
  double squares = 0, errors[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    const Weight weight =
        pack(reference(), plain_matrix(weights.data(), MK_F32, kFeatures), kColumns, kIntegerDtypes[i]);
    EXPECT_EQ(mk_weight_bytes(weight.get()), static_cast<uint64_t>(kFeatures * kColumns) * (i == 0 ? 17u : 9u) / 16u);
    const std::vector<float> out = product(reference(), weight.get(), in, 1, kColumns, kFeatures);
    for (int32_t feature = 0; feature < kFeatures; ++feature) {
      double sum = 0;
      for (int32_t k = 0; k < kColumns; ++k)
        sum += static_cast<double>(in[static_cast<size_t>(k)]) * weights[static_cast<size_t>(feature * kColumns + k)];
      errors[i] += std::pow(sum - out[static_cast<size_t>(feature)], 2);
      squares += sum * sum / 2;
    }
  }
  EXPECT_LT(std::sqrt(errors[0] / squares), 0.01);
  EXPECT_LT(std::sqrt(errors[1] / squares), 0.12);
}

}  // namespace
}  // namespace mk::test

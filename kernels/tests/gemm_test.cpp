#include "quantised.h"

namespace mk::test {
namespace {

struct GemmCase {
  GemmCase(uint64_t seed, int32_t rows, int32_t columns, int32_t features, int32_t dtype, bool bias, bool residual)
      : rows_(rows),
        columns_(columns),
        features_(features),
        in_stride_(columns + 3),
        out_stride_(features + 5),
        matrix_(seed, dtype, features, columns) {
    Random random(seed + 1000);
    in_ = random.numbers(static_cast<int64_t>(rows) * in_stride_);
    out_ = random.numbers(static_cast<int64_t>(rows) * out_stride_);
    if (bias) bias_ = random.numbers(features);
    residual_ = residual;
    dtype_ = dtype;
    weight_ = pack(reference(), matrix_.source(), columns, dtype);
  }

  int32_t rows() const { return rows_; }

  // Residual and out are one buffer where there is a residual; the padding between rows must come through unchanged.
  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> out(out_.begin() + begin * out_stride_, out_.begin() + end * out_stride_);
    const Weight own = is_device(context) ? pack(context, matrix_.source(), columns_, dtype_) : nullptr;
    mk_gemm_args args = {};
    args.in = in_.data() + static_cast<int64_t>(begin) * in_stride_;
    args.weight = own != nullptr ? own.get() : weight_.get();
    args.bias = bias_.empty() ? nullptr : bias_.data();
    args.residual = residual_ ? out.data() : nullptr;
    args.out = out.data();
    args.rows = end - begin;
    args.in_stride = in_stride_;
    args.residual_stride = args.out_stride = out_stride_;
    EXPECT_EQ(mk_gemm(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, out_stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t feature = 0; feature < features_; ++feature) {
        double sum = 0, magnitude = 0;
        for (int32_t k = 0; k < columns_; ++k) {
          const double term = taken_as(dtype_, in_[static_cast<size_t>(row * in_stride_ + k)]) *
                              matrix_.values()[static_cast<size_t>(feature * columns_ + k)];
          sum += term;
          magnitude += std::abs(term);
        }
        const size_t at = static_cast<size_t>(row * out_stride_ + feature);
        if (!bias_.empty()) sum += bias_[static_cast<size_t>(feature)];
        if (residual_) sum += out_[at];
        expect_near(sum, out[at], 1e-6 * (magnitude + 1) * std::sqrt(columns_), "gemm");
      }
    }
  }

 private:
  int32_t rows_, columns_, features_, in_stride_, out_stride_;
  bool residual_ = false;
  AnyMatrix matrix_;
  std::vector<float> in_, out_, bias_;
  int32_t dtype_ = MK_F32;
  Weight weight_;
};

class Gemm : public FastBackend {};
MK_FAST_BACKENDS(Gemm);

TEST_P(Gemm, EveryRowCount_GivesTheReferencesBits) {
  for (int32_t rows = 1; rows <= 40; ++rows) {
    for (int32_t dtype : kPackedDtypes) {
      if (!takes(dtype)) continue;
      const GemmCase c(static_cast<uint64_t>(rows), rows, 37 + 5 * rows, 70 + rows, dtype, rows % 3 == 0,
                       rows % 5 == 0);
      expect_reference_bits(c, "rows " + std::to_string(rows) + ", type " + std::to_string(dtype));
    }
  }
}

TEST_P(Gemm, OddShapes_GiveTheReferencesBits) {
  Random random(5);
  for (int32_t i = 0; i < 120; ++i) {
    const int32_t rows = 1 + random.below(14), columns = 1 + random.below(300), features = 1 + random.below(200);
    if (!takes(kPackedDtypes[i % 6])) continue;
    const GemmCase c(100u + static_cast<uint64_t>(i), rows, columns, features, kPackedDtypes[i % 6], i % 3 == 0,
                     i % 5 == 0);
    expect_reference_bits(c, std::to_string(rows) + " x " + std::to_string(columns) + " x " + std::to_string(features));
  }
}

TEST_P(Gemm, ShapesThatThreadsShare_GiveTheReferencesBits) {
  for (int32_t dtype : kPackedDtypes) {
    if (!takes(dtype)) continue;
    const GemmCase wide(1, 3, 300, 1500, dtype, true, true);
    expect_reference_bits(wide, "many panels, type " + std::to_string(dtype));
    const GemmCase tall(2, 220, 200, 60, dtype, false, true);
    expect_reference_bits(tall, "few panels, many rows, type " + std::to_string(dtype));
  }
}

// Rows, weights and sums around the least normal number, 2^-126: beside bf16 weights what is less is zero on every backend.
TEST_P(Gemm, NumbersNearTheLeastNormal_GiveTheReferencesBits) {
  if (is_gpu()) GTEST_SKIP() << "Skipped: a GPU keeps subnormal numbers";
  Random random(8);
  constexpr int32_t kRows = 5, kColumns = 61, kFeatures = 40;
  for (int32_t i = 0; i < 40; ++i) {
    std::vector<float> in, weights;
    for (int32_t k = 0; k < kRows * kColumns; ++k) in.push_back(std::ldexp(random.number(), -50 - random.below(90)));
    for (int32_t k = 0; k < kFeatures * kColumns; ++k)
      weights.push_back(
          std::ldexp(random.number(), random.below(4) == 0 ? -126 - random.below(10) : -60 - random.below(30)));
    const Weight weight = pack(reference(), plain_matrix(weights.data(), MK_F32, kFeatures), kColumns, MK_BF16);
    const auto run = [&](mk_context* context) {
      std::vector<float> out(kRows * kFeatures);
      const mk_gemm_args args = {in.data(), weight.get(), nullptr, nullptr, out.data(), kRows, kColumns, 0, kFeatures};
      EXPECT_EQ(mk_gemm(context, nullptr, &args), MK_OK) << mk_last_error();
      return out;
    };
    const std::vector<float> expected = run(reference());
    for (float value : expected) EXPECT_NE(std::fpclassify(value), FP_SUBNORMAL);
    ASSERT_TRUE(same_bits(expected, run(contexts()[0].get())));
  }
}

TEST(GemmReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 20; ++i) {
    const GemmCase c(static_cast<uint64_t>(i), 1 + i % 5, 1 + 13 * i, 1 + 7 * i, kExactDtypes[i % 4], i % 3 == 0,
                     i % 2 == 0);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

TEST(GemmReference, BadArguments_AreRefusedByName) {
  const GemmCase c(1, 2, 8, 8, MK_F32, false, false);
  std::vector<float> data(64);
  const mk_matrix source = plain_matrix(data.data(), MK_F32, 4);
  mk_weight* weight = nullptr;
  ASSERT_EQ(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), MK_OK);
  const mk_gemm_args good = {data.data(), weight, nullptr, nullptr, data.data() + 32, 2, 8, 0, 4};
  mk_gemm_args args = good;
  EXPECT_EQ(mk_gemm(reference(), nullptr, &args), MK_OK);
  args.rows = 0;
  args.in = nullptr;
  EXPECT_EQ(mk_gemm(reference(), nullptr, &args), MK_OK);
  args = good;
  args.rows = -1;
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, &args), "rows");
  args = good;
  args.in_stride = 7;
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, &args), "in_stride");
  args = good;
  args.out_stride = 3;
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, &args), "out_stride");
  args = good;
  args.residual = data.data();
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, &args), "residual_stride");
  args = good;
  args.weight = nullptr;
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, &args), "weight");
  EXPECT_REFUSED(mk_gemm(nullptr, nullptr, &good), "context");
  EXPECT_REFUSED(mk_gemm(reference(), nullptr, nullptr), "args");
  mk_weight_free(weight);
}

}  // namespace
}  // namespace mk::test

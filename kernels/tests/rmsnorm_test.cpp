#include "harness.h"

namespace mk::test {
namespace {

struct NormCase {
  NormCase(uint64_t seed, int32_t rows, int32_t groups, int32_t width) : rows_(rows), groups_(groups), width_(width) {
    Random random(seed);
    stride_ = groups * width + 2;
    in_ = random.numbers(static_cast<int64_t>(rows) * stride_, 3.0f);
    weight_ = random.numbers(width);
  }

  int32_t rows() const { return rows_; }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> data(in_.begin() + begin * stride_, in_.begin() + end * stride_);  // in place
    const mk_rmsnorm_args args = {data.data(), weight_.data(), data.data(), end - begin, groups_,
                                  width_,      stride_,        stride_,     1e-6f};
    EXPECT_EQ(mk_rmsnorm(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return data;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t group = 0; group < groups_; ++group) {
        const size_t start = static_cast<size_t>(row * stride_ + group * width_);
        double squares = 0;
        for (size_t i = 0; i < static_cast<size_t>(width_); ++i)
          squares += static_cast<double>(in_[start + i]) * in_[start + i];
        const double factor = 1.0 / std::sqrt(squares / width_ + 1e-6);
        for (size_t i = 0; i < static_cast<size_t>(width_); ++i) {
          const double expected = in_[start + i] * factor * weight_[i];
          expect_near(expected, out[start + i], 1e-6 * (std::abs(expected) + 1e-3), "rmsnorm");
        }
      }
    }
  }

 private:
  int32_t rows_, groups_, width_, stride_;
  std::vector<float> in_, weight_;
};

class RmsNorm : public FastBackend {};
MK_FAST_BACKENDS(RmsNorm);

TEST_P(RmsNorm, GeneratedShapes_GiveTheReferencesBits) {
  Random random(3);
  for (int32_t i = 0; i < 60; ++i) {
    const NormCase c(static_cast<uint64_t>(i), 1 + random.below(33), 1 + random.below(5), 1 + random.below(70));
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(NormCase(9, 300, 1, 1024), "rows that threads share");
}

TEST(RmsNormReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 20; ++i) {
    const NormCase c(static_cast<uint64_t>(i), 3, 1 + i % 3, 1 + 17 * i);
    c.expect_near_double(c.run(reference(), 0, 3));
  }
}

TEST(RmsNormReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(16);
  const mk_rmsnorm_args good = {data.data(), data.data(), data.data(), 2, 2, 4, 8, 8, 1e-6f};
  mk_rmsnorm_args args = good;
  args.width = 0;
  EXPECT_REFUSED(mk_rmsnorm(reference(), nullptr, &args), "width");
  args = good;
  args.in_stride = 7;
  EXPECT_REFUSED(mk_rmsnorm(reference(), nullptr, &args), "in_stride");
  args = good;
  args.out_stride = 7;
  EXPECT_REFUSED(mk_rmsnorm(reference(), nullptr, &args), "out_stride");
  args = good;
  args.weight = nullptr;
  EXPECT_REFUSED(mk_rmsnorm(reference(), nullptr, &args), "null");
}

}  // namespace
}  // namespace mk::test

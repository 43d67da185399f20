#include "harness.h"

namespace mk::test {
namespace {

struct LayerNormCase {
  LayerNormCase(uint64_t seed, int32_t rows, int32_t width) : rows_(rows), width_(width), stride_(width + 2) {
    Random random(seed);
    in_ = random.numbers(static_cast<int64_t>(rows) * stride_, 3.0f);
    for (float& value : in_) value += 0.5f;
    weight_ = random.numbers(width);
  }

  int32_t rows() const { return rows_; }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> data(in_.begin() + begin * stride_, in_.begin() + end * stride_);  // in place
    const mk_layernorm_args args = {data.data(), weight_.data(), data.data(), end - begin,
                                    width_,      stride_,        stride_,     1e-6f};
    EXPECT_EQ(mk_layernorm(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return data;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      const float* in = in_.data() + row * stride_;
      double mean = 0, squares = 0;
      for (int32_t i = 0; i < width_; ++i) mean += in[i] / static_cast<double>(width_);
      for (int32_t i = 0; i < width_; ++i) squares += (in[i] - mean) * (in[i] - mean);
      const double factor = 1.0 / std::sqrt(squares / width_ + 1e-6);
      for (int32_t i = 0; i < width_; ++i) {
        const double expected = (in[i] - mean) * factor * weight_[static_cast<size_t>(i)];
        expect_near(expected, out[static_cast<size_t>(row * stride_ + i)], 1e-5, "layernorm");
      }
    }
  }

 private:
  int32_t rows_, width_, stride_;
  std::vector<float> in_, weight_;
};

class LayerNorm : public FastBackend {};
MK_FAST_BACKENDS(LayerNorm);

TEST_P(LayerNorm, GeneratedShapes_GiveTheReferencesBits) {
  Random random(59);
  for (int32_t i = 0; i < 60; ++i) {
    const LayerNormCase c(static_cast<uint64_t>(i), 1 + random.below(40), 1 + random.below(130));
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(LayerNormCase(9, 300, 1024), "rows that threads share");
}

TEST(LayerNormReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 20; ++i) {
    const LayerNormCase c(static_cast<uint64_t>(i), 3, 2 + 17 * i);
    c.expect_near_double(c.run(reference(), 0, 3));
  }
}

TEST(LayerNormReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(16);
  const mk_layernorm_args good = {data.data(), data.data(), data.data(), 2, 8, 8, 8, 1e-6f};
  mk_layernorm_args args = good;
  args.width = 0;
  EXPECT_REFUSED(mk_layernorm(reference(), nullptr, &args), "width");
  args = good;
  args.in_stride = 7;
  EXPECT_REFUSED(mk_layernorm(reference(), nullptr, &args), "in_stride");
  args = good;
  args.weight = nullptr;
  EXPECT_REFUSED(mk_layernorm(reference(), nullptr, &args), "null");
}

}  // namespace
}  // namespace mk::test

#include <limits>

#include "harness.h"

namespace mk::test {
namespace {

struct ClampCase {
  ClampCase(uint64_t seed, int32_t rows, int32_t width) : rows_(rows), width_(width), stride_(width + 3) {
    data_ = Random(seed).numbers(static_cast<int64_t>(rows) * stride_, 3.0f);
  }

  int32_t rows() const { return rows_; }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> data(data_.begin() + begin * stride_, data_.begin() + end * stride_);
    const mk_clamp_args args = {data.data(), end - begin, width_, stride_, 1.25f};
    EXPECT_EQ(mk_clamp(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return data;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  std::vector<float> expected() const {
    std::vector<float> data = data_;
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t i = 0; i < width_; ++i) {
        float& value = data[static_cast<size_t>(row * stride_ + i)];
        value = std::min(std::max(value, -1.25f), 1.25f);
      }
    }
    return data;
  }

 private:
  int32_t rows_, width_, stride_;
  std::vector<float> data_;
};

class Clamp : public FastBackend {};
MK_FAST_BACKENDS(Clamp);

TEST_P(Clamp, GeneratedShapes_GiveTheReferencesBits) {
  Random random(61);
  for (int32_t i = 0; i < 40; ++i) {
    const ClampCase c(static_cast<uint64_t>(i), 1 + random.below(40), 1 + random.below(100));
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(ClampCase(1, 600, 512), "rows that threads share");
}

TEST(ClampReference, StaysWithinTheLimit) {
  const ClampCase c(1, 7, 45);
  EXPECT_TRUE(same_bits(c.expected(), c.run(reference(), 0, 7)));
}

TEST(ClampAnyBackend, WhatIsNotFinite_IsClampedOrStays) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (int32_t backend : {MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512}) {
    const Context context = make_context(backend);
    if (context == nullptr) continue;
    std::vector<float> data = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), -0.0f};
    const mk_clamp_args args = {data.data(), 1, 4, 4, 2.0f};
    ASSERT_EQ(mk_clamp(context.get(), nullptr, &args), MK_OK);
    EXPECT_EQ(data[0], 2.0f);
    EXPECT_EQ(data[1], -2.0f);
    EXPECT_TRUE(std::isnan(data[2]));
    EXPECT_TRUE(data[3] == 0.0f && std::signbit(data[3]));
  }
}

TEST(ClampReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  const mk_clamp_args good = {data.data(), 2, 4, 4, 1.0f};
  mk_clamp_args args = good;
  args.limit = 0;
  EXPECT_REFUSED(mk_clamp(reference(), nullptr, &args), "limit");
  args.limit = std::numeric_limits<float>::quiet_NaN();
  EXPECT_REFUSED(mk_clamp(reference(), nullptr, &args), "limit");
  args = good;
  args.stride = 3;
  EXPECT_REFUSED(mk_clamp(reference(), nullptr, &args), "stride");
  args = good;
  args.rows_data = nullptr;
  EXPECT_REFUSED(mk_clamp(reference(), nullptr, &args), "null");
}

}  // namespace
}  // namespace mk::test

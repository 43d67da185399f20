#include "harness.h"

namespace mk::test {
namespace {

constexpr int32_t kContext = 50;

struct RopeCase {
  RopeCase(uint64_t seed, int32_t rows, int32_t heads, int32_t head_dim, int32_t rotary_dim, int32_t pairing)
      : heads_(heads), head_dim_(head_dim), rotary_dim_(rotary_dim), stride_(heads * head_dim + 1), pairing_(pairing) {
    Random random(seed);
    data_ = random.numbers(static_cast<int64_t>(rows) * stride_);
    for (int32_t i = 0; i < rows; ++i) positions_.push_back(random.below(kContext));
    for (int32_t position = 0; position < kContext; ++position) {
      for (int32_t i = 0; i < rotary_dim; ++i) {
        const double angle = position * std::pow(10000.0, -2.0 * (i % (rotary_dim / 2)) / rotary_dim);
        table_.push_back(static_cast<float>(i < rotary_dim / 2 ? std::cos(angle) : std::sin(angle)));
      }
    }
  }

  int32_t rows() const { return static_cast<int32_t>(positions_.size()); }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> data(data_.begin() + begin * stride_, data_.begin() + end * stride_);
    const mk_rope_args args = {data.data(),   positions_.data() + begin,
                               table_.data(), end - begin,
                               heads_,        head_dim_,
                               rotary_dim_,   stride_,
                               kContext,      pairing_};
    EXPECT_EQ(mk_rope(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return data;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    std::vector<double> expected(data_.begin(), data_.end());
    const int32_t half = rotary_dim_ / 2;
    for (int32_t row = 0; row < rows(); ++row) {
      const float* table = table_.data() + positions_[static_cast<size_t>(row)] * rotary_dim_;
      for (int32_t head = 0; head < heads_; ++head) {
        double* at = expected.data() + row * stride_ + head * head_dim_;
        for (int32_t i = 0; i < half; ++i) {
          double& first = pairing_ == MK_ROPE_HALVES ? at[i] : at[2 * i];
          double& second = pairing_ == MK_ROPE_HALVES ? at[half + i] : at[2 * i + 1];
          const double a = first, b = second;
          first = a * table[i] - b * table[half + i];
          second = b * table[i] + a * table[half + i];
        }
      }
    }
    for (size_t i = 0; i < expected.size(); ++i) expect_near(expected[i], out[i], 3e-7, "rope");
  }

 private:
  int32_t heads_, head_dim_, rotary_dim_, stride_, pairing_;
  std::vector<float> data_, table_;
  std::vector<int32_t> positions_;
};

class Rope : public FastBackend {};
MK_FAST_BACKENDS(Rope);

TEST_P(Rope, GeneratedShapes_GiveTheReferencesBits) {
  Random random(11);
  for (int32_t i = 0; i < 50; ++i) {
    const int32_t head_dim = 2 + random.below(80);
    const RopeCase c(static_cast<uint64_t>(i), 1 + random.below(33), 1 + random.below(5), head_dim,
                     2 * (1 + random.below(head_dim / 2)), i % 2);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(RopeCase(1, 200, 8, 64, 64, MK_ROPE_HALVES), "rows that threads share");
}

TEST(RopeReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 10; ++i) {
    const RopeCase c(static_cast<uint64_t>(i), 5, 3, 20, 2 * (1 + i), i % 2);
    c.expect_near_double(c.run(reference(), 0, 5));
  }
}

TEST(RopeReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(64);
  std::vector<int32_t> positions = {3};
  const mk_rope_args good = {data.data(), positions.data(), data.data(), 1, 2, 8, 8, 16, 4, MK_ROPE_HALVES};
  mk_rope_args args = good;
  args.rotary_dim = 7;
  EXPECT_REFUSED(mk_rope(reference(), nullptr, &args), "rotary_dim");
  args.rotary_dim = 10;
  EXPECT_REFUSED(mk_rope(reference(), nullptr, &args), "rotary_dim");
  args = good;
  args.pairing = 2;
  EXPECT_REFUSED(mk_rope(reference(), nullptr, &args), "pairing");
  args = good;
  args.context = 3;
  EXPECT_REFUSED(mk_rope(reference(), nullptr, &args), "positions[0]");
  args = good;
  args.stride = 15;
  EXPECT_REFUSED(mk_rope(reference(), nullptr, &args), "stride");
}

}  // namespace
}  // namespace mk::test

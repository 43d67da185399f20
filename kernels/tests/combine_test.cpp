#include "harness.h"

namespace mk::test {
namespace {

struct CombineCase {
  CombineCase(uint64_t seed, int32_t rows, int32_t hidden, int32_t top_k)
      : rows_(rows), hidden_(hidden), top_k_(top_k), stride_(hidden + 2) {
    Random random(seed);
    results_ = random.numbers(static_cast<int64_t>(rows) * top_k * hidden);
    weights_ = random.numbers(static_cast<int64_t>(rows) * top_k);
    residual_ = random.numbers(static_cast<int64_t>(rows) * stride_);
  }

  int32_t rows() const { return rows_; }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> residual(residual_.begin() + begin * stride_, residual_.begin() + end * stride_);
    std::vector<const float*> result_of_pair;
    for (int32_t pair = begin * top_k_; pair < end * top_k_; ++pair)
      result_of_pair.push_back(results_.data() + pair * hidden_);
    const mk_combine_args args = {result_of_pair.data(),
                                  weights_.data() + begin * top_k_,
                                  nullptr,
                                  nullptr,
                                  residual.data(),
                                  end - begin,
                                  hidden_,
                                  top_k_,
                                  stride_};
    EXPECT_EQ(mk_combine(context, nullptr, &args), MK_OK) << mk_last_error();
    return residual;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t i = 0; i < hidden_; ++i) {
        double expected = residual_[static_cast<size_t>(row * stride_ + i)];
        for (int32_t k = 0; k < top_k_; ++k) {
          const size_t pair = static_cast<size_t>(row * top_k_ + k);
          expected += static_cast<double>(weights_[pair]) *
                      results_[pair * static_cast<size_t>(hidden_) + static_cast<size_t>(i)];
        }
        expect_near(expected, out[static_cast<size_t>(row * stride_ + i)], 2e-6, "combine");
      }
    }
  }

 private:
  int32_t rows_, hidden_, top_k_, stride_;
  std::vector<float> results_, weights_, residual_;
};

class Combine : public FastBackend {};
MK_FAST_BACKENDS(Combine);

TEST_P(Combine, GeneratedShapes_GiveTheReferencesBits) {
  Random random(31);
  for (int32_t i = 0; i < 40; ++i) {
    const CombineCase c(static_cast<uint64_t>(i), 1 + random.below(33), 1 + random.below(100), 1 + random.below(9));
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(CombineCase(1, 100, 512, 8), "rows that threads share");
}

TEST(CombineReference, AgreesWithDoublePrecision) {
  const CombineCase c(3, 7, 45, 8);
  c.expect_near_double(c.run(reference(), 0, 7));
}

TEST(CombineReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  const float* results[] = {data.data(), nullptr};
  const mk_combine_args missing = {results, data.data(), nullptr, nullptr, data.data() + 4, 1, 2, 2, 2};
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &missing), "result row");
  const mk_combine_args narrow = {results, data.data(), nullptr, nullptr, data.data() + 4, 1, 2, 1, 1};
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &narrow), "stride");
}

}  // namespace
}  // namespace mk::test

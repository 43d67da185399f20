#include "harness.h"

namespace mk::test {
namespace {

struct LogSumExpCase {
  LogSumExpCase(uint64_t seed, int32_t rows, int32_t vocabulary, float scale)
      : rows_(rows), vocabulary_(vocabulary), stride_(vocabulary + 1) {
    logits_ = Random(seed).numbers(static_cast<int64_t>(rows) * stride_, scale);
  }

  int32_t rows() const { return rows_; }

  // Maximum then log-sum-exp of each row.
  std::vector<double> run(mk_context* context, int32_t begin, int32_t end) const {
    const size_t count = static_cast<size_t>(end - begin);
    std::vector<float> maximum(count);
    std::vector<double> sums(count), both;
    const mk_log_sum_exp_args args = {logits_.data() + static_cast<int64_t>(begin) * stride_,
                                      maximum.data(),
                                      sums.data(),
                                      end - begin,
                                      vocabulary_,
                                      stride_,
                                      0};
    EXPECT_EQ(mk_log_sum_exp(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    for (size_t i = 0; i < count; ++i) {
      both.push_back(maximum[i]);
      both.push_back(sums[i]);
    }
    return both;
  }

  std::vector<double> slice(const std::vector<double>& out, int32_t row) const { return row_of(out, row, 2); }

  void expect_near_double(const std::vector<double>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      const float* logits = logits_.data() + static_cast<int64_t>(row) * stride_;
      double maximum = logits[0], sum = 0;
      for (int32_t i = 0; i < vocabulary_; ++i) maximum = std::max<double>(maximum, logits[i]);
      for (int32_t i = 0; i < vocabulary_; ++i) sum += std::exp(logits[i] - maximum);
      EXPECT_EQ(maximum, out[static_cast<size_t>(2 * row)]);
      expect_near(maximum + std::log(sum), out[static_cast<size_t>(2 * row + 1)], 1e-7, "log_sum_exp");
    }
  }

 private:
  int32_t rows_, vocabulary_, stride_;
  std::vector<float> logits_;
};

class LogSumExp : public FastBackend {};
MK_FAST_BACKENDS(LogSumExp);

TEST_P(LogSumExp, GeneratedShapes_GiveTheReferencesBits) {
  Random random(37);
  for (int32_t i = 0; i < 40; ++i) {
    const LogSumExpCase c(static_cast<uint64_t>(i), 1 + random.below(20), 1 + random.below(300),
                          i % 4 == 0 ? 0.0f : 20.0f);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(LogSumExpCase(1, 9, 20000, 10.0f), "rows that threads share");
}

TEST(LogSumExpReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 20; ++i) {
    const LogSumExpCase c(static_cast<uint64_t>(i), 3, 1 + 97 * i, 1.0f + static_cast<float>(3 * i));
    c.expect_near_double(c.run(reference(), 0, 3));
  }
}

TEST(LogSumExpReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  std::vector<double> sums(2);
  const mk_log_sum_exp_args args = {data.data(), data.data(), sums.data(), 1, 4, 3, 0};
  EXPECT_REFUSED(mk_log_sum_exp(reference(), nullptr, &args), "stride");
}

}  // namespace
}  // namespace mk::test

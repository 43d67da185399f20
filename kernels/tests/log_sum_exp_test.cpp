#include "harness.h"

namespace mk::test {
namespace {

struct LogSumExpCase {
  LogSumExpCase(uint64_t seed, int32_t rows, int32_t vocabulary, float scale)
      : rows_(rows), vocabulary_(vocabulary), stride_(vocabulary + 1) {
    logits_ = Random(seed).numbers(static_cast<int64_t>(rows) * stride_, scale);
  }

  int32_t rows() const { return rows_; }

  // Maximum, log-sum-exp and the place of the maximum of each row.
  std::vector<double> run(mk_context* context, int32_t begin, int32_t end) const {
    const size_t count = static_cast<size_t>(end - begin);
    std::vector<float> maximum(count);
    std::vector<double> sums(count), all;
    std::vector<int32_t> best(count);
    const mk_log_sum_exp_args args = {logits_.data() + static_cast<int64_t>(begin) * stride_,
                                      maximum.data(),
                                      sums.data(),
                                      best.data(),
                                      end - begin,
                                      vocabulary_,
                                      stride_,
                                      0};
    EXPECT_EQ(mk_log_sum_exp(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    for (size_t i = 0; i < count; ++i) {
      all.push_back(maximum[i]);
      all.push_back(sums[i]);
      all.push_back(best[i]);
    }
    return all;
  }

  std::vector<double> slice(const std::vector<double>& out, int32_t row) const { return row_of(out, row, 3); }

  void expect_near_double(const std::vector<double>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      const float* logits = logits_.data() + static_cast<int64_t>(row) * stride_;
      double maximum = logits[0], sum = 0;
      for (int32_t i = 0; i < vocabulary_; ++i) maximum = std::max<double>(maximum, logits[i]);
      for (int32_t i = 0; i < vocabulary_; ++i) sum += std::exp(logits[i] - maximum);
      EXPECT_EQ(maximum, out[static_cast<size_t>(3 * row)]);
      EXPECT_EQ(std::max_element(logits, logits + vocabulary_) - logits, out[static_cast<size_t>(3 * row + 2)]);
      expect_near(maximum + std::log(sum), out[static_cast<size_t>(3 * row + 1)], 1e-7, "log_sum_exp");
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

TEST_P(LogSumExp, Best_IsTheLowestOfEquals_AndNoneOfWhatIsNoNumber) {
  constexpr int32_t kVocabulary = 20'000;
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(size_t{4} * kVocabulary, 0.0f), maximum(4);
  std::vector<double> sums(4);
  std::vector<int32_t> best(4);
  const auto at = [&](int32_t row, int32_t id) -> float& { return logits[size_t{kVocabulary} * row + id]; };
  at(0, 12'345) = at(0, 19'999) = at(0, 13'000) = 2.0f;
  for (int32_t id = 0; id < kVocabulary; ++id) at(1, id) = id == 17 ? -3.0f : -infinity;
  at(2, 11'000) = std::numeric_limits<float>::quiet_NaN();
  at(3, 5) = infinity;
  const mk_log_sum_exp_args args = {
      logits.data(), maximum.data(), sums.data(), best.data(), 4, kVocabulary, kVocabulary, 0};
  mk_context* context = contexts().front().get();
  ASSERT_EQ(mk_log_sum_exp(context, nullptr, &args), MK_OK) << mk_last_error();
  finish(context);
  EXPECT_EQ(best, (std::vector<int32_t>{12'345, 17, -1, -1}));
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
  const mk_log_sum_exp_args args = {data.data(), data.data(), sums.data(), nullptr, 1, 4, 3, 0};
  EXPECT_REFUSED(mk_log_sum_exp(reference(), nullptr, &args), "stride");
}

}  // namespace
}  // namespace mk::test

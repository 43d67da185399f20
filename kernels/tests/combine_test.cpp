#include "harness.h"

namespace mk::test {
namespace {

enum class Shared { kNone, kPlain, kGated };

struct CombineCase {
  CombineCase(uint64_t seed, int32_t rows, int32_t hidden, int32_t top_k, Shared shared)
      : rows_(rows), hidden_(hidden), top_k_(top_k), stride_(hidden + 2) {
    Random random(seed);
    results_ = random.numbers(static_cast<int64_t>(rows) * top_k * hidden);
    weights_ = random.numbers(static_cast<int64_t>(rows) * top_k);
    residual_ = random.numbers(static_cast<int64_t>(rows) * stride_);
    if (shared != Shared::kNone) shared_ = random.numbers(static_cast<int64_t>(rows) * hidden);
    if (shared == Shared::kGated) shared_logits_ = random.numbers(rows, 4.0f);
  }

  int32_t rows() const { return rows_; }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> residual(residual_.begin() + begin * stride_, residual_.begin() + end * stride_);
    std::vector<const float*> result_of_pair;
    for (int32_t pair = begin * top_k_; pair < end * top_k_; ++pair)
      result_of_pair.push_back(results_.data() + pair * hidden_);
    mk_combine_args args = {};
    if (top_k_ > 0) args.result_of_pair = result_of_pair.data();
    if (top_k_ > 0) args.weights = weights_.data() + begin * top_k_;
    if (!shared_.empty()) args.shared = shared_.data() + begin * hidden_;
    if (!shared_logits_.empty()) args.shared_logits = shared_logits_.data() + begin;
    args.residual = residual.data();
    args.rows = end - begin;
    args.hidden = hidden_;
    args.top_k = top_k_;
    args.stride = stride_;
    EXPECT_EQ(mk_combine(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
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
        const double gate = shared_logits_.empty() ? 1 : 1 / (1 + std::exp(-shared_logits_[static_cast<size_t>(row)]));
        if (!shared_.empty()) expected += gate * shared_[static_cast<size_t>(row * hidden_ + i)];
        expect_near(expected, out[static_cast<size_t>(row * stride_ + i)], 2e-6, "combine");
      }
    }
  }

 private:
  int32_t rows_, hidden_, top_k_, stride_;
  std::vector<float> results_, weights_, residual_, shared_, shared_logits_;
};

class Combine : public FastBackend {};
MK_FAST_BACKENDS(Combine);

TEST_P(Combine, GeneratedShapes_GiveTheReferencesBits) {
  Random random(31);
  for (int32_t i = 0; i < 60; ++i) {
    const Shared shared = static_cast<Shared>(i % 3);
    const int32_t top_k = shared == Shared::kNone ? 1 + random.below(9) : random.below(9);
    const CombineCase c(static_cast<uint64_t>(i), 1 + random.below(40), 1 + random.below(100), top_k, shared);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(CombineCase(1, 100, 512, 8, Shared::kGated), "rows that threads share");
}

TEST(CombineReference, AgreesWithDoublePrecision) {
  for (Shared shared : {Shared::kNone, Shared::kPlain, Shared::kGated}) {
    const CombineCase c(3, 7, 45, 8, shared);
    c.expect_near_double(c.run(reference(), 0, 7));
  }
  const CombineCase alone(4, 7, 45, 0, Shared::kPlain);
  alone.expect_near_double(alone.run(reference(), 0, 7));
}

TEST(CombineReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  const float* results[] = {data.data(), nullptr};
  const mk_combine_args missing = {results, data.data(), nullptr, nullptr, data.data() + 4, 1, 2, 2, 2};
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &missing), "result row");
  const mk_combine_args narrow = {results, data.data(), nullptr, nullptr, data.data() + 4, 1, 2, 1, 1};
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &narrow), "stride");
  mk_combine_args alone = narrow;
  alone.stride = 2;
  alone.top_k = 0;
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &alone), "top_k");
  alone.shared_logits = data.data();
  alone.top_k = 1;
  EXPECT_REFUSED(mk_combine(reference(), nullptr, &alone), "shared_logits");
}

}  // namespace
}  // namespace mk::test

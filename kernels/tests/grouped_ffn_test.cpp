#include "harness.h"

namespace mk::test {
namespace {

struct FfnCase {
  FfnCase(uint64_t seed, const std::vector<int32_t>& rows_each, int32_t hidden, int32_t width, int32_t dtype)
      : hidden_(hidden), width_(width), dtype_(dtype), offsets_({0}) {
    Random random(seed);
    const int64_t elements = static_cast<int64_t>(hidden) * width;
    for (int32_t rows : rows_each) {
      offsets_.push_back(offsets_.back() + rows);
      gate_.push_back(random.numbers(elements, 0.3f));
      up_.push_back(random.numbers(elements, 0.3f));
      down_.push_back(random.numbers(elements, 0.3f));
    }
    rows_ = random.numbers(static_cast<int64_t>(offsets_.back()) * hidden, 2.0f);
    std::vector<mk_expert_matrices> sources;
    for (size_t i = 0; i < rows_each.size(); ++i) {
      sources.push_back(plain_expert(gate_[i].data(), up_[i].data(), down_[i].data(), hidden, width));
    }
    const mk_experts_shape shape = {static_cast<int32_t>(sources.size()), hidden, width, dtype, MK_SWIGLU, 0, 0};
    EXPECT_EQ(mk_experts_pack(reference(), &shape, sources.data(), &experts_), MK_OK);
  }
  FfnCase(const FfnCase&) = delete;
  FfnCase& operator=(const FfnCase&) = delete;
  ~FfnCase() { mk_experts_free(experts_); }

  int32_t rows() const { return offsets_.back(); }

  // The pairs begin .. end-1, each with its own expert; results lie backwards, to show that pointers are followed.
  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<int32_t> offsets;
    for (int32_t offset : offsets_) offsets.push_back(std::min(std::max(offset, begin), end) - begin);
    std::vector<float> out(static_cast<size_t>((end - begin) * hidden_));
    std::vector<const float*> row_of_pair;
    std::vector<float*> out_of_pair;
    for (int32_t pair = begin; pair < end; ++pair) {
      row_of_pair.push_back(rows_.data() + static_cast<int64_t>(pair) * hidden_);
      out_of_pair.push_back(out.data() + static_cast<int64_t>(end - 1 - pair) * hidden_);
    }
    const mk_grouped_ffn_args args = {experts_, offsets.data(), row_of_pair.data(), out_of_pair.data(), end - begin, 0};
    EXPECT_EQ(mk_grouped_ffn(context, nullptr, &args), MK_OK) << mk_last_error();
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const {
    return row_of(out, rows() - 1 - row, hidden_);
  }

  void expect_near_double(const std::vector<float>& out) const {
    for (size_t expert = 0; expert + 1 < offsets_.size(); ++expert) {
      for (int32_t pair = offsets_[expert]; pair < offsets_[expert + 1]; ++pair) {
        const float* row = rows_.data() + static_cast<int64_t>(pair) * hidden_;
        std::vector<double> middle;
        for (int32_t i = 0; i < width_; ++i) {
          const double gate = dot(gate_[expert], i, row, hidden_), up = dot(up_[expert], i, row, hidden_);
          middle.push_back(gate / (1 + std::exp(-gate)) * up);
        }
        for (int32_t i = 0; i < hidden_; ++i) {
          const double expected = dot(down_[expert], i, middle.data(), width_);
          expect_near(expected, slice(out, pair)[static_cast<size_t>(i)], 2e-5 * (1 + std::abs(expected)), "ffn");
        }
      }
    }
  }

 private:
  template <typename Number>
  double dot(const std::vector<float>& matrix, int32_t feature, const Number* in, int32_t columns) const {
    double sum = 0;
    for (int32_t k = 0; k < columns; ++k)
      sum += static_cast<double>(in[k]) * rounded_to(dtype_, matrix[static_cast<size_t>(feature * columns + k)]);
    return sum;
  }

  int32_t hidden_, width_, dtype_;
  std::vector<int32_t> offsets_;
  std::vector<std::vector<float>> gate_, up_, down_;
  std::vector<float> rows_;
  mk_experts* experts_ = nullptr;
};

class GroupedFfn : public FastBackend {};
MK_FAST_BACKENDS(GroupedFfn);

TEST_P(GroupedFfn, GeneratedShapes_GiveTheReferencesBits) {
  Random random(29);
  for (int32_t i = 0; i < 30; ++i) {
    std::vector<int32_t> rows_each;
    for (int32_t expert = random.below(4); expert >= 0; --expert)
      rows_each.push_back(random.below(5) == 0 ? 0 : random.below(16));
    const FfnCase c(static_cast<uint64_t>(i), rows_each, 1 + random.below(70), 1 + random.below(70), i % 2);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
}

TEST_P(GroupedFfn, SkewedRows_GiveTheReferencesBits) {
  expect_reference_bits(FfnCase(1, {0, 0, 33, 0}, 96, 48, MK_BF16), "all rows to one expert");
  expect_reference_bits(FfnCase(2, std::vector<int32_t>(12, 2), 200, 120, MK_BF16), "experts that threads share");
}

TEST(GroupedFfnReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 6; ++i) {
    const FfnCase c(static_cast<uint64_t>(i), {2, 0, 1 + i}, 10 + 7 * i, 5 + 11 * i, i % 2);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

TEST(GroupedFfnReference, BadArguments_AreRefusedByName) {
  mk_experts* experts = nullptr;
  mk_experts_shape shape = {0, 4, 4, MK_F32, MK_SWIGLU, 0, 0};
  ASSERT_EQ(mk_experts_pack(reference(), &shape, nullptr, &experts), MK_OK) << mk_last_error();
  const std::vector<int32_t> none = {0};
  mk_grouped_ffn_args args = {experts, none.data(), nullptr, nullptr, 0, 0};
  EXPECT_EQ(mk_grouped_ffn(reference(), nullptr, &args), MK_OK);
  mk_experts_free(experts);

  const std::vector<float> data(16);
  const mk_expert_matrices source = plain_expert(data.data(), data.data(), data.data(), 4, 4);
  shape.count = 1;
  ASSERT_EQ(mk_experts_pack(reference(), &shape, &source, &experts), MK_OK);
  std::vector<float> row(4), out(4);
  const float* rows[] = {row.data(), nullptr};
  float* outs[] = {out.data(), out.data()};
  std::vector<int32_t> offsets = {0, 1};
  args = {experts, offsets.data(), rows, outs, 1, 0};
  EXPECT_EQ(mk_grouped_ffn(reference(), nullptr, &args), MK_OK);
  offsets = {0, 2};
  EXPECT_REFUSED(mk_grouped_ffn(reference(), nullptr, &args), "offsets");
  args.pairs = 2;
  EXPECT_REFUSED(mk_grouped_ffn(reference(), nullptr, &args), "null");
  offsets = {1, 2};
  EXPECT_REFUSED(mk_grouped_ffn(reference(), nullptr, &args), "offsets[0]");
  offsets = {0, -1};
  EXPECT_REFUSED(mk_grouped_ffn(reference(), nullptr, &args), "descend");
  mk_experts_free(experts);
}

}  // namespace
}  // namespace mk::test

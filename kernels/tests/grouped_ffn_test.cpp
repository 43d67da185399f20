#include "quantised.h"

namespace mk::test {
namespace {

enum class Bias { kNone, kAll, kDown };

struct FfnCase {
  FfnCase(uint64_t seed, const std::vector<int32_t>& rows_each, mk_experts_shape shape, Bias bias)
      : shape_(shape), offsets_({0}) {
    shape_.count = static_cast<int32_t>(rows_each.size());
    const int32_t hidden = shape.hidden, width = shape.width;
    for (size_t i = 0; i < rows_each.size(); ++i) {
      offsets_.push_back(offsets_.back() + rows_each[i]);
      const uint64_t own = seed * 100 + 5 * i;
      gate_.emplace_back(own, shape.dtype, width, hidden, 0.3f);
      up_.emplace_back(own + 1, shape.dtype, width, hidden, 0.3f);
      down_.emplace_back(own + 2, shape.dtype, hidden, width, 0.3f);
      gate_bias_.push_back(Random(own + 3).numbers(width));
      up_bias_.push_back(Random(own + 4).numbers(width));
      down_bias_.push_back(Random(own + 5).numbers(hidden));
    }
    rows_ = Random(seed).numbers(static_cast<int64_t>(offsets_.back()) * hidden, 2.0f);
    bias_ = bias;
    experts_ = pack_all(reference());
    // What no expert was given counts as zeros below; the packed ones are copies, also of these zeros.
    for (size_t i = 0; i < rows_each.size(); ++i) {
      if (bias != Bias::kAll) gate_bias_[i].assign(gate_bias_[i].size(), 0.0f);
      if (bias != Bias::kAll) up_bias_[i].assign(up_bias_[i].size(), 0.0f);
      if (bias == Bias::kNone) down_bias_[i].assign(down_bias_[i].size(), 0.0f);
    }
  }
  int32_t rows() const { return offsets_.back(); }

  // The pairs begin .. end-1, each with its own expert; results lie backwards, to show that pointers are followed.
  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<int32_t> offsets;
    for (int32_t offset : offsets_) offsets.push_back(std::min(std::max(offset, begin), end) - begin);
    std::vector<float> out(static_cast<size_t>((end - begin) * shape_.hidden));
    std::vector<const float*> row_of_pair;
    std::vector<float*> out_of_pair;
    for (int32_t pair = begin; pair < end; ++pair) {
      row_of_pair.push_back(rows_.data() + static_cast<int64_t>(pair) * shape_.hidden);
      out_of_pair.push_back(out.data() + static_cast<int64_t>(end - 1 - pair) * shape_.hidden);
    }
    const Experts own = is_device(context) ? pack_all(context) : nullptr;
    const mk_grouped_ffn_args args = {own != nullptr ? own.get() : experts_.get(),
                                      offsets.data(),
                                      row_of_pair.data(),
                                      out_of_pair.data(),
                                      end - begin,
                                      0};
    EXPECT_EQ(mk_grouped_ffn(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const {
    return row_of(out, rows() - 1 - row, shape_.hidden);
  }

  void expect_near_double(const std::vector<float>& out) const {
    for (size_t expert = 0; expert + 1 < offsets_.size(); ++expert) {
      for (int32_t pair = offsets_[expert]; pair < offsets_[expert + 1]; ++pair) {
        const float* row = rows_.data() + static_cast<int64_t>(pair) * shape_.hidden;
        std::vector<double> middle;
        for (int32_t i = 0; i < shape_.width; ++i) {
          const size_t at = static_cast<size_t>(i);
          middle.push_back(activated(dot(gate_[expert], i, row, shape_.hidden) + gate_bias_[expert][at],
                                     dot(up_[expert], i, row, shape_.hidden) + up_bias_[expert][at]));
        }
        const std::vector<float> result = slice(out, pair);
        for (int32_t i = 0; i < shape_.hidden; ++i) {
          const size_t at = static_cast<size_t>(i);
          const double expected = dot(down_[expert], i, middle.data(), shape_.width) + down_bias_[expert][at];
          double magnitude = 1;
          for (double value : middle) magnitude += std::abs(value);
          // A middle element near the middle of two bf16 numbers may have become the other one.
          expect_near(expected, result[at], (shape_.dtype == MK_BF16 ? 4e-3 : 2e-6) * magnitude, "ffn");
        }
      }
    }
  }

 private:
  struct ExpertsDeleter {
    void operator()(mk_experts* experts) const { mk_experts_free(experts); }
  };
  using Experts = std::unique_ptr<mk_experts, ExpertsDeleter>;

  Experts pack_all(mk_context* context) const {
    std::vector<mk_expert_matrices> sources;
    for (size_t i = 0; i < gate_.size(); ++i) {
      sources.push_back({gate_[i].source(), up_[i].source(), down_[i].source(), nullptr, nullptr, nullptr});
      if (bias_ == Bias::kAll) sources[i].gate_bias = gate_bias_[i].data();
      if (bias_ == Bias::kAll) sources[i].up_bias = up_bias_[i].data();
      if (bias_ != Bias::kNone) sources[i].down_bias = down_bias_[i].data();
    }
    mk_experts* experts = nullptr;
    EXPECT_EQ(mk_experts_pack(context, &shape_, sources.data(), &experts), MK_OK) << mk_last_error();
    return Experts(experts);
  }

  double activated(double gate, double up) const {
    if (shape_.activation == MK_SWIGLU) return gate / (1 + std::exp(-gate)) * up;
    const double limit = shape_.limit;
    const double g = std::min(gate, limit), u = std::max(std::min(up, limit), -limit);
    return g / (1 + std::exp(-shape_.alpha * g)) * (u + 1);
  }

  template <typename Number>
  double dot(const AnyMatrix& matrix, int32_t feature, const Number* in, int32_t columns) const {
    double sum = 0;
    for (int32_t k = 0; k < columns; ++k)
      sum += taken_as(shape_.dtype, in[k]) * matrix.values()[static_cast<size_t>(feature * columns + k)];
    return sum;
  }

  mk_experts_shape shape_;
  std::vector<int32_t> offsets_;
  std::vector<AnyMatrix> gate_, up_, down_;
  std::vector<std::vector<float>> gate_bias_, up_bias_, down_bias_;
  std::vector<float> rows_;
  Bias bias_ = Bias::kNone;
  Experts experts_;
};

mk_experts_shape shape_of(int32_t hidden, int32_t width, int32_t dtype, bool clamped) {
  return {0, hidden, width, dtype, clamped ? MK_SWIGLU_CLAMPED : MK_SWIGLU, 1.702f, 1.5f};
}

// A GPU rounds activated rows to bf16 before the second product.
constexpr double kBetweenProducts = 0.01;

class GroupedFfn : public FastBackend {
 protected:
  bool takes_experts(int32_t dtype) const { return takes(dtype) && !(is_gpu() && dtype == MK_F32); }
};
MK_FAST_BACKENDS(GroupedFfn);

TEST_P(GroupedFfn, GeneratedShapes_GiveTheReferencesBits) {
  Random random(29);
  for (int32_t i = 0; i < 60; ++i) {
    std::vector<int32_t> rows_each;
    for (int32_t expert = random.below(4); expert >= 0; --expert)
      rows_each.push_back(random.below(5) == 0 ? 0 : random.below(random.below(3) == 0 ? 40 : 14));
    const mk_experts_shape shape =
        shape_of(1 + random.below(170), 1 + random.below(170), kPackedDtypes[i % 6], i % 3 == 0);
    if (!takes_experts(shape.dtype)) continue;
    const FfnCase c(static_cast<uint64_t>(i), rows_each, shape, static_cast<Bias>(random.below(3)));
    expect_reference_bits(c, "case " + std::to_string(i), kBetweenProducts);
  }
}

TEST_P(GroupedFfn, SkewedRows_GiveTheReferencesBits) {
  for (int32_t dtype : kPackedDtypes) {
    if (!takes_experts(dtype)) continue;
    const FfnCase one(1, {0, 0, 33, 0}, shape_of(96, 48, dtype, false), Bias::kNone);
    expect_reference_bits(one, "all rows to one expert", kBetweenProducts);
    const FfnCase many(2, std::vector<int32_t>(12, 2), shape_of(200, 120, dtype, true), Bias::kAll);
    expect_reference_bits(many, "experts that threads share", kBetweenProducts);
    const FfnCase tall(3, {70, 0, 1, 200}, shape_of(130, 70, dtype, false), Bias::kAll);
    expect_reference_bits(tall, "more rows than a tile has", kBetweenProducts);
  }
}

TEST(GroupedFfnReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 24; ++i) {
    const FfnCase c(static_cast<uint64_t>(i), {2, 0, 1 + i % 4},
                    shape_of(10 + 7 * i, 5 + 11 * i, kExactDtypes[i % 4], i % 3 == 0), static_cast<Bias>(i / 4 % 3));
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

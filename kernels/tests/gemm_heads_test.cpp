#include "quantised.h"

namespace mk::test {
namespace {

struct GemmHeadsCase {
  GemmHeadsCase(uint64_t seed, int32_t rows, int32_t heads, int32_t columns, int32_t features, int32_t dtype)
      : rows_(rows),
        heads_(heads),
        columns_(columns),
        features_(features),
        in_head_stride_(columns + 2),
        dtype_(dtype),
        out_head_stride_(features + 3),
        in_stride_(heads * in_head_stride_ + 1),
        out_stride_(heads * out_head_stride_ + 5) {
    for (int32_t head = 0; head < heads; ++head) {
      matrices_.emplace_back(seed * 1000 + static_cast<uint64_t>(head), dtype, features, columns);
      weights_.push_back(pack(reference(), matrices_.back().source(), columns, dtype));
    }
    in_ = Random(seed).numbers(static_cast<int64_t>(rows) * in_stride_);
  }

  int32_t rows() const { return rows_; }

  // The padding between heads and rows must come through unchanged.
  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> out(static_cast<size_t>((end - begin) * out_stride_), 7.0f);
    std::vector<Weight> own;
    std::vector<const mk_weight*> weights;
    for (int32_t head = 0; head < heads_; ++head) {
      const size_t at = static_cast<size_t>(head);
      if (is_device(context)) own.push_back(pack(context, matrices_[at].source(), columns_, dtype_));
      weights.push_back(is_device(context) ? own.back().get() : weights_[at].get());
    }
    const mk_gemm_heads_args args = {in_.data() + static_cast<int64_t>(begin) * in_stride_,
                                     weights.data(),
                                     out.data(),
                                     end - begin,
                                     heads_,
                                     in_stride_,
                                     in_head_stride_,
                                     out_stride_,
                                     out_head_stride_};
    EXPECT_EQ(mk_gemm_heads(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, out_stride_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      for (int32_t head = 0; head < heads_; ++head) {
        const float* in = in_.data() + row * in_stride_ + head * in_head_stride_;
        const float* at = out.data() + row * out_stride_ + head * out_head_stride_;
        for (int32_t feature = 0; feature < features_; ++feature) {
          double sum = 0, magnitude = 1;
          for (int32_t k = 0; k < columns_; ++k) {
            const float weight =
                matrices_[static_cast<size_t>(head)].values()[static_cast<size_t>(feature * columns_ + k)];
            sum += taken_as(dtype_, in[k]) * weight;
            magnitude += std::abs(static_cast<double>(in[k]) * weight);
          }
          expect_near(sum, at[feature], 1e-6 * magnitude * std::sqrt(columns_), "gemm_heads");
        }
        for (int32_t i = features_; i < out_head_stride_; ++i) EXPECT_EQ(at[i], 7.0f);
      }
    }
  }

 private:
  int32_t rows_, heads_, columns_, features_, in_head_stride_, dtype_, out_head_stride_, in_stride_, out_stride_;
  std::vector<AnyMatrix> matrices_;
  std::vector<Weight> weights_;
  std::vector<float> in_;
};

class GemmHeads : public FastBackend {};
MK_FAST_BACKENDS(GemmHeads);

TEST_P(GemmHeads, GeneratedShapes_GiveTheReferencesBits) {
  Random random(53);
  for (int32_t i = 0; i < 60; ++i) {
    const int32_t rows = 1 + random.below(i % 5 == 0 ? 40 : 8);
    if (!takes(kPackedDtypes[i % 6])) continue;
    const GemmHeadsCase c(static_cast<uint64_t>(i), rows, 1 + random.below(9), 1 + random.below(150),
                          1 + random.below(120), kPackedDtypes[i % 6]);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
}

TEST_P(GemmHeads, WorkThatThreadsShare_GivesTheReferencesBits) {
  expect_reference_bits(GemmHeadsCase(1, 1, 64, 128, 200, MK_BF16), "one row, many heads");
  expect_reference_bits(GemmHeadsCase(2, 300, 1, 128, 40, MK_F32), "one head, many rows");
  if (!takes(MK_F8_E4M3)) return;
  expect_reference_bits(GemmHeadsCase(3, 130, 2, 70, 40, MK_F8_E4M3), "few heads, many rows");
}

TEST(GemmHeadsReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 12; ++i) {
    const GemmHeadsCase c(static_cast<uint64_t>(i), 1 + i % 3, 1 + i % 4, 1 + 13 * i, 1 + 7 * i, kExactDtypes[i % 4]);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

TEST(GemmHeadsReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(64);
  const mk_matrix source = plain_matrix(data.data(), MK_F32, 4), other = plain_matrix(data.data(), MK_F32, 5);
  mk_weight *weight = nullptr, *taller = nullptr;
  ASSERT_EQ(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), MK_OK);
  ASSERT_EQ(mk_weight_pack(reference(), &other, 1, 8, MK_F32, &taller), MK_OK);
  const mk_weight* weights[] = {weight, weight};
  const mk_gemm_heads_args good = {data.data(), weights, data.data() + 32, 2, 2, 16, 8, 8, 4};
  mk_gemm_heads_args args = good;
  EXPECT_EQ(mk_gemm_heads(reference(), nullptr, &args), MK_OK) << mk_last_error();
  args.rows = 0;
  args.in = nullptr;
  EXPECT_EQ(mk_gemm_heads(reference(), nullptr, &args), MK_OK);
  args = good;
  args.heads = 0;
  EXPECT_REFUSED(mk_gemm_heads(reference(), nullptr, &args), "heads");
  args = good;
  args.in_head_stride = 7;
  EXPECT_REFUSED(mk_gemm_heads(reference(), nullptr, &args), "in_head_stride");
  args = good;
  args.out_head_stride = 3;
  EXPECT_REFUSED(mk_gemm_heads(reference(), nullptr, &args), "out_head_stride");
  weights[1] = taller;
  EXPECT_REFUSED(mk_gemm_heads(reference(), nullptr, &good), "one shape");
  weights[1] = nullptr;
  EXPECT_REFUSED(mk_gemm_heads(reference(), nullptr, &good), "weight is null");
  mk_weight_free(weight);
  mk_weight_free(taller);
}

}  // namespace
}  // namespace mk::test

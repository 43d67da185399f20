#include <algorithm>

#include "paged_cache.h"

namespace mk::test {
namespace {

struct AttentionCase {
  AttentionCase(uint64_t seed, const std::vector<int32_t>& lengths, int32_t kv_heads, int32_t queries_each,
                int32_t head_dim, int32_t dtype, int32_t every)
      : cache_(seed, lengths, kv_heads, head_dim, dtype),
        heads_(kv_heads * queries_each),
        stride_(heads_ * head_dim + 3) {
    cache_.write(reference());
    for (int32_t i = 0; i < cache_.rows(); ++i) {
      const bool last = i + 1 == cache_.rows() || cache_.positions[static_cast<size_t>(i + 1)] == 0;
      if (i % every == 0 || last) chosen_.push_back(i);
    }
    for (int32_t i : chosen_) {
      sequence_of_row_.push_back(cache_.sequence_of_row[static_cast<size_t>(i)]);
      positions_.push_back(cache_.positions[static_cast<size_t>(i)]);
    }
    Random random(seed + 1);
    queries_ = random.numbers(static_cast<int64_t>(chosen_.size()) * stride_, 6.0f);
  }

  int32_t rows() const { return static_cast<int32_t>(chosen_.size()); }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> out(static_cast<size_t>((end - begin) * stride_), 7.0f);
    mk_paged_attention_args args = args_of(begin, end);
    args.out = out.data();
    EXPECT_EQ(mk_paged_attention(context, nullptr, &args), MK_OK) << mk_last_error();
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, stride_); }

  mk_paged_attention_args args_of(int32_t begin, int32_t end) const {
    mk_paged_attention_args args = {};
    args.queries = queries_.data() + static_cast<int64_t>(begin) * stride_;
    args.cache = cache_.bytes.data();
    args.block_tables = cache_.tables.data();
    args.sequence_of_row = sequence_of_row_.data() + begin;
    args.positions = positions_.data() + begin;
    args.rows = end - begin;
    args.query_stride = args.out_stride = stride_;
    args.heads = heads_;
    args.kv_heads = cache_.kv_heads;
    args.head_dim = args.value_dim = cache_.head_dim;
    args.kv_dtype = cache_.dtype;
    args.block_count = cache_.blocks;
    args.sequences = cache_.sequences;
    args.block_table_stride = cache_.stride;
    args.scale = 0.7f;
    return args;
  }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows(); ++row) {
      for (int32_t head = 0; head < heads_; ++head) expect_head_near_double(out, row, head);
    }
  }

 private:
  double cached(const std::vector<float>& values, int32_t row, int32_t kv_head, int32_t d) const {
    return rounded_to(cache_.dtype,
                      values[static_cast<size_t>((row * cache_.kv_heads + kv_head) * cache_.head_dim + d)]);
  }

  void expect_head_near_double(const std::vector<float>& out, int32_t row, int32_t head) const {
    const int32_t head_dim = cache_.head_dim, kv_head = head / (heads_ / cache_.kv_heads);
    const int32_t own = chosen_[static_cast<size_t>(row)], first = own - positions_[static_cast<size_t>(row)];
    const size_t at = static_cast<size_t>(row * stride_ + head * head_dim);
    std::vector<double> scores;
    for (int32_t source = first; source <= own; ++source) {
      double score = 0;
      for (int32_t d = 0; d < head_dim; ++d)
        score += queries_[at + static_cast<size_t>(d)] * cached(cache_.keys, source, kv_head, d);
      scores.push_back(score * 0.7f);
    }
    const double maximum = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - maximum);
    for (int32_t d = 0; d < head_dim; ++d) {
      double expected = 0;
      for (int32_t source = first; source <= own; ++source) {
        expected += scores[static_cast<size_t>(source - first)] / sum * cached(cache_.values, source, kv_head, d);
      }
      expect_near(expected, out[at + static_cast<size_t>(d)], 1e-5, "attention row " + std::to_string(row));
    }
  }

  PagedCache cache_;
  int32_t heads_, stride_;
  std::vector<int32_t> chosen_, sequence_of_row_, positions_;
  std::vector<float> queries_;
};

class PagedAttention : public FastBackend {};
MK_FAST_BACKENDS(PagedAttention);

TEST_P(PagedAttention, GeneratedShapes_GiveTheReferencesBits) {
  Random random(17);
  for (int32_t i = 0; i < 40; ++i) {
    const std::vector<int32_t> lengths = {1 + random.below(20), 1 + random.below(120)};
    const AttentionCase c(static_cast<uint64_t>(i), lengths, 1 + random.below(3), 1 + random.below(7),
                          1 + random.below(70), i % 2, 5);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
}

TEST_P(PagedAttention, EveryLengthToThreeTiles_GivesTheReferencesBits) {
  expect_reference_bits(AttentionCase(1, {50}, 2, 4, 64, MK_BF16, 1), "4 query heads each");
  expect_reference_bits(AttentionCase(2, {50}, 2, 1, 32, MK_F32, 1), "1 query head each");
  expect_reference_bits(AttentionCase(3, {90}, 1, 2, 128, MK_BF16, 1), "head_dim 128");
}

TEST_P(PagedAttention, WorkThatThreadsShare_GivesTheReferencesBits) {
  expect_reference_bits(AttentionCase(3, {300, 1, 170}, 2, 4, 48, MK_BF16, 37), "long sequences");
}

TEST(PagedAttentionReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 8; ++i) {
    const AttentionCase c(static_cast<uint64_t>(i), {3 + 9 * i, 40}, 2, 1 + i % 3, 8 + 5 * i, i % 2, 3);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

TEST(PagedAttentionReference, BadArguments_AreRefusedByName) {
  const AttentionCase c(1, {40}, 2, 2, 8, MK_F32, 1);
  std::vector<float> out(4096);
  mk_paged_attention_args good = c.args_of(0, c.rows());
  good.out = out.data();
  mk_paged_attention_args args = good;
  args.heads = 3;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "kv_heads");
  args = good;
  args.head_dim = 1025;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "head_dim");
  args = good;
  args.block_count = 1;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "block_tables");
  args = good;
  args.block_table_stride = 2;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "positions[32]");
  args = good;
  args.out_stride = 1;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "out_stride");
}

}  // namespace
}  // namespace mk::test

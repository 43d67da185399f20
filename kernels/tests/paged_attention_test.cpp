#include <algorithm>

#include "paged_cache.h"

namespace mk::test {
namespace {

struct Shape {
  int32_t kv_heads;
  int32_t queries_each;
  int32_t head_dim;
  int32_t dtype;
  int32_t every;          // how many of the positions are rows: one of so many, and each sequence's last
  int32_t value_dim = 0;  // 0: not a latent cache
  int32_t window = 0;
  float sink_scale = 0;  // 0: no sinks
};

struct AttentionCase {
  AttentionCase(uint64_t seed, const std::vector<int32_t>& lengths, Shape shape)
      : cache_(seed, lengths, shape.kv_heads, shape.head_dim, shape.dtype, shape.value_dim != 0),
        heads_(shape.kv_heads * shape.queries_each),
        value_dim_(shape.value_dim != 0 ? shape.value_dim : shape.head_dim),
        window_(shape.window),
        stride_(heads_ * shape.head_dim + 3),
        out_stride_(heads_ * value_dim_ + 3) {
    cache_.write(reference());
    for (int32_t i = 0; i < cache_.rows(); ++i) {
      const bool last = i + 1 == cache_.rows() || cache_.positions[static_cast<size_t>(i + 1)] == 0;
      if (i % shape.every == 0 || last) chosen_.push_back(i);
    }
    for (int32_t i : chosen_) {
      sequence_of_row_.push_back(cache_.sequence_of_row[static_cast<size_t>(i)]);
      positions_.push_back(cache_.positions[static_cast<size_t>(i)]);
    }
    Random random(seed + 1);
    queries_ = random.numbers(static_cast<int64_t>(chosen_.size()) * stride_, 6.0f);
    if (shape.sink_scale != 0) sinks_ = random.numbers(heads_, shape.sink_scale);
  }

  int32_t rows() const { return static_cast<int32_t>(chosen_.size()); }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> out(static_cast<size_t>((end - begin) * out_stride_), 7.0f);
    mk_paged_attention_args args = args_of(begin, end);
    args.out = out.data();
    EXPECT_EQ(mk_paged_attention(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, out_stride_); }

  mk_paged_attention_args args_of(int32_t begin, int32_t end) const {
    mk_paged_attention_args args = {};
    args.queries = queries_.data() + static_cast<int64_t>(begin) * stride_;
    args.cache = cache_.bytes.data();
    args.block_tables = cache_.tables.data();
    args.sequence_of_row = sequence_of_row_.data() + begin;
    args.positions = positions_.data() + begin;
    args.rows = end - begin;
    args.sinks = sinks_.empty() ? nullptr : sinks_.data();
    args.query_stride = stride_;
    args.out_stride = out_stride_;
    args.heads = heads_;
    args.kv_heads = cache_.kv_heads;
    args.head_dim = cache_.head_dim;
    args.value_dim = value_dim_;
    args.window = window_;
    args.is_latent = cache_.is_latent;
    args.kv_dtype = cache_.dtype;
    args.block_count = cache_.blocks;
    args.sequences = cache_.sequences;
    args.block_table_stride = cache_.stride;
    args.scale = 0.7f;
    return args;
  }

  PagedCache& cache() { return cache_; }
  const std::vector<int32_t>& positions() const { return positions_; }

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
    const int32_t own = chosen_[static_cast<size_t>(row)], position = positions_[static_cast<size_t>(row)];
    const int32_t attended = window_ == 0 ? position + 1 : std::min(position + 1, window_);
    const int32_t first = own + 1 - attended;
    const float* query = queries_.data() + row * stride_ + head * head_dim;
    std::vector<double> scores;
    for (int32_t source = first; source <= own; ++source) {
      double score = 0;
      for (int32_t d = 0; d < head_dim; ++d) score += query[d] * cached(cache_.keys, source, kv_head, d);
      scores.push_back(score * 0.7f);
    }
    double maximum = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    if (!sinks_.empty()) {
      const double sink = sinks_[static_cast<size_t>(head)];
      maximum = std::max(maximum, sink);
      sum = std::exp(sink - maximum);
    }
    for (double& score : scores) sum += score = std::exp(score - maximum);
    for (int32_t d = 0; d < value_dim_; ++d) {
      double expected = 0;
      for (int32_t source = first; source <= own; ++source) {
        expected +=
            scores[static_cast<size_t>(source - first)] / sum * cached(cache_.read_as_values(), source, kv_head, d);
      }
      expect_near(expected, out[static_cast<size_t>(row * out_stride_ + head * value_dim_ + d)], 1e-5,
                  "attention row " + std::to_string(row));
    }
  }

  PagedCache cache_;
  int32_t heads_, value_dim_, window_, stride_, out_stride_;
  std::vector<int32_t> chosen_, sequence_of_row_, positions_;
  std::vector<float> queries_, sinks_;
};

// A GPU's tensor cores take the softmax's shares in bf16.
constexpr double kRoundedShares = 0.01;

class PagedAttention : public FastBackend {};
MK_FAST_BACKENDS(PagedAttention);

constexpr int32_t kWindows[] = {1, 15, 16, 17, 40, 1000};

TEST_P(PagedAttention, GeneratedShapes_GiveTheReferencesBits) {
  Random random(17);
  for (int32_t i = 0; i < 40; ++i) {
    const std::vector<int32_t> lengths = {1 + random.below(20), 1 + random.below(120)};
    const Shape shape = {1 + random.below(3), 1 + random.below(7), 1 + random.below(70), i % 2, 5};
    expect_reference_bits(AttentionCase(static_cast<uint64_t>(i), lengths, shape), "case " + std::to_string(i),
                          kRoundedShares);
  }
}

TEST_P(PagedAttention, EveryLengthToThreeTiles_GivesTheReferencesBits) {
  expect_reference_bits(AttentionCase(1, {50}, {2, 4, 64, MK_BF16, 1}), "4 query heads each", kRoundedShares);
  expect_reference_bits(AttentionCase(2, {50}, {2, 1, 32, MK_F32, 1}), "1 query head each", kRoundedShares);
  expect_reference_bits(AttentionCase(3, {90}, {1, 2, 128, MK_BF16, 1}), "head_dim 128", kRoundedShares);
  expect_reference_bits(AttentionCase(4, {40, 70}, {2, 16, 64, MK_BF16, 7}), "16 query heads each", kRoundedShares);
}

TEST_P(PagedAttention, WorkThatThreadsShare_GivesTheReferencesBits) {
  expect_reference_bits(AttentionCase(3, {300, 1, 170}, {2, 4, 48, MK_BF16, 37}), "long sequences", kRoundedShares);
  expect_reference_bits(AttentionCase(4, {1300, 513}, {1, 4, 64, MK_BF16, 101}), "several splits", kRoundedShares);
}

TEST_P(PagedAttention, WindowsAndSinks_GiveTheReferencesBits) {
  Random random(67);
  for (int32_t i = 0; i < 36; ++i) {
    const std::vector<int32_t> lengths = {1 + random.below(30), 1 + random.below(150)};
    Shape shape = {1 + random.below(2), 1 + random.below(9), 1 + random.below(70), i % 2, 3};
    shape.window = kWindows[i % 6];
    shape.sink_scale = i % 3 == 0 ? 0.0f : 4.0f;
    expect_reference_bits(AttentionCase(static_cast<uint64_t>(i), lengths, shape), "case " + std::to_string(i),
                          kRoundedShares);
  }
}

TEST_P(PagedAttention, LatentCaches_GiveTheReferencesBits) {
  Random random(71);
  for (int32_t i = 0; i < 48; ++i) {
    const std::vector<int32_t> lengths = {1 + random.below(40), 1 + random.below(100)};
    const int32_t head_dim = 1 + random.below(100);
    Shape shape = {i % 8 == 0 ? 2 : 1, 1 + random.below(40), head_dim, i % 2, 7, 1 + random.below(head_dim)};
    shape.window = i % 3 == 0 ? kWindows[i / 3 % 6] : 0;
    shape.sink_scale = i % 4 == 0 ? 3.0f : 0.0f;
    expect_reference_bits(AttentionCase(static_cast<uint64_t>(i), lengths, shape), "case " + std::to_string(i),
                          kRoundedShares);
  }
  expect_reference_bits(AttentionCase(1, {70, 33}, {1, 128, 80, MK_BF16, 20, 64}), "128 heads", kRoundedShares);
  expect_reference_bits(AttentionCase(2, {40}, {1, 5, 1024, MK_F32, 20, 1024}), "the widest heads", kRoundedShares);
}

TEST(PagedAttentionReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 24; ++i) {
    Shape shape = {1 + i % 2, 1 + i % 3, 8 + 5 * (i % 8), i % 2, 3};
    if (i % 3 == 1) shape.value_dim = 1 + shape.head_dim / 2;
    shape.window = i < 8 ? 0 : kWindows[i % 6];
    shape.sink_scale = i < 16 ? 0.0f : 5.0f;
    const AttentionCase c(static_cast<uint64_t>(i), {3 + 9 * (i % 8), 60}, shape);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

std::vector<Context> every_backend() {
  std::vector<Context> contexts;
  for (int32_t backend : {MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512}) {
    contexts.push_back(make_context(backend));
    if (contexts.back() == nullptr) contexts.pop_back();
  }
  return contexts;
}

TEST(PagedAttentionAnyBackend, WhatLiesBeforeAWindow_IsNotRead) {
  for (int32_t value_dim : {0, 20}) {
    for (int32_t window : {1, 15, 16, 17, 40}) {
      AttentionCase c(5, {100}, {1, 3, 24, MK_F32, 200, value_dim, window});
      const int32_t last = c.rows() - 1;
      const int32_t begin = c.positions().back() + 1 - window;
      const std::vector<float> expected = c.run(reference(), last, last + 1);
      // Positions before the window turn to NaN, and tables name no blocks there.
      PagedCache& cache = c.cache();
      float* floats = reinterpret_cast<float*>(cache.bytes.data());
      const int64_t block_floats = static_cast<int64_t>(cache.bytes.size() / sizeof(float)) / cache.blocks;
      for (int32_t position = 0; position < begin; ++position) {
        float* block = floats + cache.tables[static_cast<size_t>(position / 16)] * block_floats;
        for (int32_t d = 0; d < 24; ++d) block[d * 16 + position % 16] = NAN;
        if (value_dim == 0) std::fill_n(block + (16 + position % 16) * 24, 24, NAN);
      }
      for (int32_t block = 0; block < begin / 16; ++block) cache.tables[static_cast<size_t>(block)] = -1;
      for (const Context& context : every_backend())
        EXPECT_TRUE(same_bits(expected, c.run(context.get(), last, last + 1))) << mk_context_backend(context.get());
    }
  }
}

TEST(PagedAttentionAnyBackend, SinkAboveAllScores_TakesTheWholeShare) {
  AttentionCase c(7, {30}, {1, 4, 16, MK_F32, 30});
  std::vector<float> out(67);
  const std::vector<float> sinks = {3e38f, 1e4f, -3e38f, -1e4f};
  for (const Context& context : every_backend()) {
    const int32_t last = c.rows() - 1;
    mk_paged_attention_args args = c.args_of(last, last + 1);
    const std::vector<float> without = c.run(context.get(), last, last + 1);
    args.sinks = sinks.data();
    args.out = out.data();
    ASSERT_EQ(mk_paged_attention(context.get(), nullptr, &args), MK_OK);
    for (size_t i = 0; i < 32; ++i) EXPECT_EQ(out[i], 0.0f);
    for (size_t i = 32; i < 64; ++i) EXPECT_EQ(out[i], without[i]);
  }
}

TEST(PagedAttentionReference, BadArguments_AreRefusedByName) {
  const AttentionCase c(1, {40}, {2, 2, 8, MK_F32, 1});
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
  args.value_dim = 7;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "value_dim");
  args.is_latent = 1;
  args.value_dim = 9;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "value_dim");
  args = good;
  args.window = -1;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "window");
  args = good;
  args.out_stride = 1;
  EXPECT_REFUSED(mk_paged_attention(reference(), nullptr, &args), "out_stride");
}

}  // namespace
}  // namespace mk::test

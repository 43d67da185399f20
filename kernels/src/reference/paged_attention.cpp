// Attention of each row over its sequence's cached positions, tile by tile with a running maximum and sum.
#include <cmath>

#include "backend.h"
#include "bounds.h"
#include "kv_cache.h"
#include "scalar.h"

namespace mk::reference {
namespace {

constexpr int32_t kTile = MK_KV_BLOCK_TOKENS;

// One query head of one row: its cache, and its running softmax.
class Head {
 public:
  Head(const mk_paged_attention_args& args, int64_t row, int32_t head)
      : args_(args),
        shape_({args.kv_heads, args.head_dim, args.is_latent}),
        kv_head_(head / (args.heads / args.kv_heads)),
        table_(args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride),
        query_(args.queries + row * args.query_stride + static_cast<int64_t>(head) * args.head_dim) {}

  // Positions first .. last-1 of the tile that begins at position `start`.
  void attend(int32_t start, int32_t first, int32_t last) {
    const int32_t block = table_[start / kTile];
    float scores[kTile];
    float tile_maximum = 0.0f;
    for (int32_t j = first; j < last; ++j) {
      float score = 0.0f;
      for (int32_t d = 0; d < args_.head_dim; ++d) score = std::fma(query_[d], key_at(block, j, d), score);
      scores[j] = score * args_.scale;
      tile_maximum = j == first ? scores[j] : max_of(scores[j], tile_maximum);
    }
    const float before = maximum_;
    maximum_ = is_first_ ? tile_maximum : max_of(tile_maximum, before);
    const float correction = is_first_ ? 1.0f : exp_of(before - maximum_);
    is_first_ = false;
    float shares[kTile] = {};
    for (int32_t j = first; j < last; ++j) shares[j] = exp_of(scores[j] - maximum_);
    for (int32_t d = 0; d < args_.value_dim; ++d) {
      float value = weighted_[d] * correction;
      for (int32_t j = first; j < last; ++j) value = std::fma(shares[j], value_at(block, j, d), value);
      weighted_[d] = value;
    }
    sum_ = std::fma(sum_, correction, fold_sum(shares));
  }

  void sink(float score) {
    const float before = maximum_;
    maximum_ = max_of(score, before);
    const float correction = exp_of(before - maximum_);
    sum_ = std::fma(sum_, correction, exp_of(score - maximum_));
    for (int32_t d = 0; d < args_.value_dim; ++d) weighted_[d] = weighted_[d] * correction;
  }

  void finish(float* out) const {
    const float factor = 1.0f / sum_;
    for (int32_t d = 0; d < args_.value_dim; ++d) out[d] = weighted_[d] * factor;
  }

 private:
  float key_at(int32_t block, int32_t position, int32_t d) const {
    const uint64_t at = key_tile(shape_, block, kv_head_) + static_cast<uint64_t>(d * kTile + position);
    return load_as_float(args_.cache, at, args_.kv_dtype);
  }

  float value_at(int32_t block, int32_t position, int32_t d) const {
    if (args_.is_latent != 0) return key_at(block, position, d);
    const uint64_t at = value_tile(shape_, block, kv_head_) + static_cast<uint64_t>(position * args_.head_dim + d);
    return load_as_float(args_.cache, at, args_.kv_dtype);
  }

  const mk_paged_attention_args& args_;
  const KvShape shape_;
  const int32_t kv_head_;
  const int32_t* const table_;
  const float* const query_;
  float weighted_[kMostHeadDim] = {};
  float maximum_ = 0.0f;
  float sum_ = 0.0f;
  bool is_first_ = true;
};

void attend(const mk_paged_attention_args& args, int64_t row, int32_t head) {
  const int32_t begin = window_begin(args.positions[row], args.window);
  const int32_t end = args.positions[row] + 1;
  Head state(args, row, head);
  for (int32_t start = begin / kTile * kTile; start < end; start += kTile)
    state.attend(start, begin > start ? begin - start : 0, end - start < kTile ? end - start : kTile);
  if (args.sinks != nullptr) state.sink(args.sinks[head]);
  state.finish(args.out + row * args.out_stride + static_cast<int64_t>(head) * args.value_dim);
}

}  // namespace

mk_status paged_attention(Runtime&, const mk_paged_attention_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int32_t head = 0; head < args.heads; ++head) attend(args, row, head);
  }
  return MK_OK;
}

}  // namespace mk::reference

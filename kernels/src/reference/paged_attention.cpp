// Attention of each row over its sequence's cached positions, tile by tile with a running maximum and sum.
#include <cmath>

#include "backend.h"
#include "bounds.h"
#include "kv_cache.h"
#include "scalar.h"

namespace mk::reference {
namespace {

constexpr int32_t kTile = MK_KV_BLOCK_TOKENS;

void attend(const mk_paged_attention_args& args, int64_t row, int32_t head) {
  const KvShape shape = {args.kv_heads, args.head_dim, args.kv_dtype};
  const int32_t kv_head = head / (args.heads / args.kv_heads);
  const int32_t* table = args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride;
  const float* query = args.queries + row * args.query_stride + static_cast<int64_t>(head) * args.head_dim;
  float* out = args.out + row * args.out_stride + static_cast<int64_t>(head) * args.head_dim;
  const int32_t length = args.positions[row] + 1;

  float weighted[kMostHeadDim] = {};
  float maximum = 0.0f;
  float sum = 0.0f;
  for (int32_t start = 0; start < length; start += kTile) {
    const int32_t block = table[start / kTile];
    const int32_t valid = length - start < kTile ? length - start : kTile;
    float scores[kTile];
    float tile_maximum = 0.0f;
    for (int32_t j = 0; j < valid; ++j) {
      float score = 0.0f;
      for (int32_t d = 0; d < args.head_dim; ++d) {
        const uint64_t at = key_tile(shape, block, kv_head) + static_cast<uint64_t>(d * kTile + j);
        score = std::fma(query[d], load_as_float(args.cache, at, args.kv_dtype), score);
      }
      scores[j] = score * args.scale;
      tile_maximum = j == 0 ? scores[0] : max_of(scores[j], tile_maximum);
    }
    const float before = maximum;
    maximum = start == 0 ? tile_maximum : max_of(tile_maximum, before);
    const float correction = start == 0 ? 1.0f : exp_of(before - maximum);
    float shares[kTile] = {};
    for (int32_t j = 0; j < valid; ++j) shares[j] = exp_of(scores[j] - maximum);
    for (int32_t d = 0; d < args.head_dim; ++d) {
      float value = weighted[d] * correction;
      for (int32_t j = 0; j < valid; ++j) {
        const uint64_t at = value_tile(shape, block, kv_head) + static_cast<uint64_t>(j * args.head_dim + d);
        value = std::fma(shares[j], load_as_float(args.cache, at, args.kv_dtype), value);
      }
      weighted[d] = value;
    }
    sum = std::fma(sum, correction, fold_sum(shares));
  }
  const float factor = 1.0f / sum;
  for (int32_t d = 0; d < args.head_dim; ++d) out[d] = weighted[d] * factor;
}

}  // namespace

mk_status paged_attention(Runtime&, const mk_paged_attention_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int32_t head = 0; head < args.heads; ++head) attend(args, row, head);
  }
  return MK_OK;
}

}  // namespace mk::reference

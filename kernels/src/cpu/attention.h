// What attention over both kinds of cache shares: scores of a tile of 16 positions, and the running softmax.
#pragma once

#include "backend.h"
#include "bounds.h"
#include "kv_cache.h"
#include "simd.h"

namespace mk::MK_ISA {

constexpr int kTile = MK_KV_BLOCK_TOKENS;

// Query heads of one row that read one KV head.
struct AttentionItem {
  const mk_paged_attention_args* args;
  const float* query;  // [queries, head_dim]
  float* out;          // [queries, value_dim]
  const float* sinks;  // [queries], or null
  const int32_t* table;
  int32_t kv_head;
  int32_t begin;  // positions begin .. end-1 are attended to
  int32_t end;
};

// The item of a row's `first_head`, and of as many after it as the caller likes.
MK_INLINE AttentionItem item_of(const mk_paged_attention_args& args, int64_t row, int32_t first_head) {
  const int64_t head = first_head;
  return {&args,
          args.queries + row * args.query_stride + head * args.head_dim,
          args.out + row * args.out_stride + head * args.value_dim,
          args.sinks == nullptr ? nullptr : args.sinks + head,
          args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride,
          first_head / (args.heads / args.kv_heads),
          window_begin(args.positions[row], args.window),
          args.positions[row] + 1};
}

// The positions of a tile that an item attends to.
struct TileSpan {
  int first;
  int last;  // exclusive
};
constexpr TileSpan kWholeTile = {0, kTile};

MK_INLINE TileSpan span_of(const AttentionItem& item, int32_t tile) {
  const int32_t start = tile * kTile;
  return {item.begin > start ? item.begin - start : 0, item.end - start < kTile ? item.end - start : kTile};
}

template <typename Stored>
MK_INLINE const Stored* keys_of(const AttentionItem& item, int32_t tile) {
  const mk_paged_attention_args& args = *item.args;
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  return static_cast<const Stored*>(args.cache) + key_tile(shape, item.table[tile], item.kv_head);
}

// Scores, not yet scaled, of kTiles tiles; positions from `last` on are not read unless kWhole. Meanwhile the keys at
// `ahead` are asked for: blocks lie anywhere in the cache, so the hardware cannot guess the next, and it is asked a line
// at a time, since a core has only so many under way.
template <int kQueries, int kTiles, bool kWhole, typename Stored>
MK_INLINE void score(const float* queries, int32_t head_dim, const Stored* const (&keys)[kTiles],
                     const Stored* const (&ahead)[kTiles], int last, Lanes16 (&scores)[kTiles][kQueries]) {
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) scores[t][q] = splat16(0.0f);
  }
  for (int32_t d = 0; d < head_dim; ++d) {
    V query[kQueries];
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) query[q] = set1(queries[static_cast<int64_t>(q) * head_dim + d]);
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      const Stored* at = keys[t] + static_cast<int64_t>(d) * kTile;
      prefetch(ahead[t] + static_cast<int64_t>(d) * kTile);
      const Lanes16 key = kWhole ? load16(at) : load16_first(at, last);
#pragma GCC unroll 8
      for (int q = 0; q < kQueries; ++q) scores[t][q] = fma(query[q], key, scores[t][q]);
    }
  }
}

// The running softmax of one query head.
struct Softmax {
  float maximum;
  float sum;
};

// Moves the maximum to `maximum` and returns what scales everything summed before.
MK_INLINE float raise_maximum(Softmax& softmax, float maximum) {
  float correction[kLanes];
  store(correction, exp_of(set1(softmax.maximum - maximum)));
  softmax.maximum = maximum;
  return correction[0];
}

// Turns a tile's scores into shares and moves the running maximum and sum; returns the correction.
MK_INLINE float share(const Lanes16& scores, float scale, TileSpan span, bool is_first, Softmax& softmax,
                      float (&shares)[kTile]) {
  const bool whole = span.first == 0 && span.last == kTile;
  Lanes16 scaled = mul(scores, set1(scale));
  if (!whole) scaled = keep_between(scaled, span.first, span.last, -__builtin_inff());
  const float tile_maximum = fold_max(scaled);
  float correction = 1.0f;
  if (is_first)
    softmax.maximum = tile_maximum;
  else
    correction = raise_maximum(softmax, tile_maximum > softmax.maximum ? tile_maximum : softmax.maximum);
  Lanes16 exponentials = exp_of(sub(scaled, set1(softmax.maximum)));
  if (!whole) exponentials = keep_between(exponentials, span.first, span.last, 0.0f);
  store16(shares, exponentials);
  softmax.sum = __builtin_fmaf(softmax.sum, correction, fold_sum(exponentials));
  return correction;
}

// Lets a sink, if there is one, take its share; returns the correction.
MK_INLINE float finish(const float* sink, Softmax& softmax) {
  if (sink == nullptr) return 1.0f;
  const float correction = raise_maximum(softmax, *sink > softmax.maximum ? *sink : softmax.maximum);
  float own[kLanes];
  store(own, exp_of(set1(*sink - softmax.maximum)));
  softmax.sum = __builtin_fmaf(softmax.sum, correction, own[0]);
  return correction;
}

// Items of rows and head groups over a latent cache (latent_attention.cpp).
void latent_attention(Runtime& runtime, const mk_paged_attention_args& args, double cost_ns);

}  // namespace mk::MK_ISA

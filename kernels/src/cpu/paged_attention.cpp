// Attention of each row over its sequence's cached positions. An item is a row and a KV head, whose query heads share
// every load of keys and values. Positions are lanes for the scores, features are lanes for the weighted values.
#include <cstring>

#include "backend.h"
#include "bounds.h"
#include "kv_cache.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

constexpr int kTile = MK_KV_BLOCK_TOKENS;
constexpr int kMostQueries = 4;

// Tiles scored together, so that enough chains are under way; and groups of 16 features weighted together.
constexpr int tiles_together(int queries) { return kParts * queries >= 8 ? 1 : kParts * queries >= 4 ? 2 : 4; }
constexpr int features_together(int queries) {
  return kParts * queries >= 8 ? 1 : kParts * queries >= 4 ? (kParts == 1 ? 4 : 2) : 4;
}

template <int kQueries>
struct State {
  float weighted[kQueries][kMostHeadDim];  // [query, head_dim]: values weighted so far
  float shares[kQueries][kTile];           // exp(score - maximum) of the tile at hand
  float correction[kQueries];
  float maximum[kQueries];
  float sum[kQueries];
};

struct Item {
  const mk_paged_attention_args* args;
  const float* query;  // [queries, head_dim]
  float* out;          // [queries, head_dim]
  const int32_t* table;
  int32_t kv_head;
  int32_t length;
};

template <typename Stored>
MK_INLINE const Stored* keys_of(const Item& item, int32_t tile) {
  const mk_paged_attention_args& args = *item.args;
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  return static_cast<const Stored*>(args.cache) + key_tile(shape, item.table[tile], item.kv_head);
}

template <typename Stored>
MK_INLINE const Stored* values_of(const Item& item, int32_t tile) {
  const mk_paged_attention_args& args = *item.args;
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  return static_cast<const Stored*>(args.cache) + value_tile(shape, item.table[tile], item.kv_head);
}

MK_INLINE void prefetch_range(const void* begin, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) prefetch(static_cast<const char*>(begin) + at);
}

// Scores of kTiles tiles from `tile` on; `valid` positions of the last are read.
template <int kQueries, int kTiles, bool kWhole, typename Stored>
MK_INLINE void score(const Item& item, int32_t tile, int valid, Lanes16 (&scores)[kTiles][kQueries]) {
  const int32_t head_dim = item.args->head_dim;
  const Stored* keys[kTiles];
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    keys[t] = keys_of<Stored>(item, tile + t);
#pragma GCC unroll 4
    for (int q = 0; q < kQueries; ++q) scores[t][q] = splat16(0.0f);
  }
  for (int32_t d = 0; d < head_dim; ++d) {
    V query[kQueries];
#pragma GCC unroll 4
    for (int q = 0; q < kQueries; ++q) query[q] = set1(item.query[static_cast<int64_t>(q) * head_dim + d]);
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      const Stored* at = keys[t] + static_cast<int64_t>(d) * kTile;
      const Lanes16 key = kWhole ? load16(at) : load16_first(at, valid);
#pragma GCC unroll 4
      for (int q = 0; q < kQueries; ++q) scores[t][q] = fma(query[q], key, scores[t][q]);
    }
  }
}

// Turns a tile's scores into shares and moves the running maximum and sum.
template <int kQueries>
MK_INLINE void share(const Item& item, bool is_first, int valid, const Lanes16 (&scores)[kQueries],
                     State<kQueries>& state) {
#pragma GCC unroll 4
  for (int q = 0; q < kQueries; ++q) {
    Lanes16 scaled = mul(scores[q], set1(item.args->scale));
    if (valid < kTile) scaled = keep_first(scaled, valid, -__builtin_inff());
    const float tile_maximum = fold_max(scaled);
    const float before = state.maximum[q];
    const float maximum = is_first ? tile_maximum : tile_maximum > before ? tile_maximum : before;
    float correction = 1.0f;
    if (!is_first) {
      float corrections[kLanes];
      store(corrections, exp_of(set1(before - maximum)));
      correction = corrections[0];
    }
    Lanes16 shares = exp_of(sub(scaled, set1(maximum)));
    if (valid < kTile) shares = keep_first(shares, valid, 0.0f);
    store16(state.shares[q], shares);
    state.sum[q] = __builtin_fmaf(state.sum[q], correction, fold_sum(shares));
    state.maximum[q] = maximum;
    state.correction[q] = correction;
  }
}

// weighted = weighted * correction + shares x values, for kGroups x 16 features from d on; the last group may be short.
template <int kQueries, int kGroups, bool kWhole, typename Stored>
MK_INLINE void weigh(const Stored* values, int32_t head_dim, int32_t d, int valid, State<kQueries>& state) {
  const int rest = head_dim - d;
  Lanes16 sums[kQueries][kGroups];
#pragma GCC unroll 4
  for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g)
      sums[q][g] = mul(load16(state.weighted[q] + d + 16 * g), set1(state.correction[q]));
  }
  for (int j = 0; j < valid; ++j) {
    const Stored* at = values + static_cast<int64_t>(j) * head_dim + d;
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
      const Lanes16 value = kWhole ? load16(at + 16 * g) : load16_first(at + 16 * g, rest);
#pragma GCC unroll 4
      for (int q = 0; q < kQueries; ++q) sums[q][g] = fma(set1(state.shares[q][j]), value, sums[q][g]);
    }
  }
#pragma GCC unroll 4
  for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) store16(state.weighted[q] + d + 16 * g, sums[q][g]);
  }
}

template <int kQueries, typename Stored>
MK_INLINE void weigh_tile(const Item& item, int32_t tile, int valid, State<kQueries>& state) {
  constexpr int kGroups = features_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  const Stored* values = values_of<Stored>(item, tile);
  int32_t d = 0;
  for (; d + 16 * kGroups <= head_dim; d += 16 * kGroups)
    weigh<kQueries, kGroups, true>(values, head_dim, d, valid, state);
  for (; d + 16 <= head_dim; d += 16) weigh<kQueries, 1, true>(values, head_dim, d, valid, state);
  if (d < head_dim) weigh<kQueries, 1, false>(values, head_dim, d, valid, state);
}

template <int kQueries, int kTiles, bool kWhole, typename Stored>
MK_INLINE void attend_tiles(const Item& item, int32_t tile, int valid, State<kQueries>& state) {
  Lanes16 scores[kTiles][kQueries];
  score<kQueries, kTiles, kWhole, Stored>(item, tile, valid, scores);
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    share(item, tile + t == 0, kWhole ? kTile : valid, scores[t], state);
    weigh_tile<kQueries, Stored>(item, tile + t, kWhole ? kTile : valid, state);
  }
}

template <int kQueries, typename Stored>
__attribute__((noinline)) void attend(const Item& item) {
  constexpr int kTiles = tiles_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  const int64_t tile_bytes = static_cast<int64_t>(head_dim) * kTile * static_cast<int64_t>(sizeof(Stored));
  State<kQueries> state;
  const int32_t padded = (head_dim + 15) / 16 * 16;
  for (int q = 0; q < kQueries; ++q) {
    std::memset(state.weighted[q], 0, static_cast<uint64_t>(padded) * sizeof(float));
    state.maximum[q] = 0.0f;
    state.sum[q] = 0.0f;
  }

  const int32_t whole = item.length / kTile;
  const int32_t valid = item.length % kTile;
  int32_t tile = 0;
  for (; tile + kTiles <= whole; tile += kTiles) {
    // Blocks lie anywhere in the cache, so the hardware cannot guess the next.
    for (int32_t next = tile + kTiles; next < tile + 2 * kTiles && next < whole; ++next) {
      prefetch_range(keys_of<Stored>(item, next), tile_bytes);
      prefetch_range(values_of<Stored>(item, next), tile_bytes);
    }
    attend_tiles<kQueries, kTiles, true, Stored>(item, tile, kTile, state);
  }
  if constexpr (kTiles > 1) {
    for (; tile < whole; ++tile) attend_tiles<kQueries, 1, true, Stored>(item, tile, kTile, state);
  }
  if (valid > 0) attend_tiles<kQueries, 1, false, Stored>(item, tile, valid, state);

  for (int q = 0; q < kQueries; ++q) {
    const V factor = set1(1.0f / state.sum[q]);
    float* out = item.out + static_cast<int64_t>(q) * head_dim;
    for (int32_t d = 0; d < head_dim; d += 16)
      store16_first(out + d, head_dim - d, mul(load16(state.weighted[q] + d), factor));
  }
}

template <int kQueries>
void attend_some(const Item& item) {
  if (item.args->kv_dtype == MK_F32)
    attend<kQueries, float>(item);
  else
    attend<kQueries, uint16_t>(item);
}

void attend_items(const void* job, int64_t begin, int64_t end) {
  const mk_paged_attention_args& args = *static_cast<const mk_paged_attention_args*>(job);
  const int32_t queries = args.heads / args.kv_heads;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t row = i / args.kv_heads;
    const int32_t kv_head = static_cast<int32_t>(i % args.kv_heads);
    Item item = {&args, nullptr, nullptr, nullptr, kv_head, args.positions[row] + 1};
    item.table = args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride;
    for (int32_t done = 0; done < queries;) {
      const int64_t offset = (static_cast<int64_t>(kv_head) * queries + done) * args.head_dim;
      item.query = args.queries + row * args.query_stride + offset;
      item.out = args.out + row * args.out_stride + offset;
      const int32_t left = queries - done;
      if (left >= kMostQueries)
        attend_some<kMostQueries>(item);
      else if (left == 3)
        attend_some<3>(item);
      else if (left == 2)
        attend_some<2>(item);
      else
        attend_some<1>(item);
      done += left < kMostQueries ? left : kMostQueries;
    }
  }
}

}  // namespace

mk_status paged_attention(Runtime& runtime, const mk_paged_attention_args& args) {
  if (args.is_latent != 0 || args.window != 0 || args.sinks != nullptr)
    return reference::paged_attention(runtime, args);
  double positions = 0.0;
  for (int32_t row = 0; row < args.rows; ++row) positions += args.positions[row] + 1;
  const double cost_ns = positions * args.heads * args.head_dim / 8.0;
  parallel_for_grain(runtime, static_cast<int64_t>(args.rows) * args.kv_heads, 1, cost_ns, attend_items, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

// Attention of each row over its sequence's cached positions. An item is a row and a KV head, whose query heads share
// every load of keys and values. Positions are lanes for the scores, features are lanes for the weighted values.
#include <cstring>

#include "attention.h"

namespace mk::MK_ISA {
namespace {

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
  Softmax softmax[kQueries];
};

template <typename Stored>
MK_INLINE const Stored* values_of(const AttentionItem& item, int32_t tile) {
  const mk_paged_attention_args& args = *item.args;
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  return static_cast<const Stored*>(args.cache) + value_tile(shape, item.table[tile], item.kv_head);
}

// weighted = weighted * correction + shares x values, for kGroups x 16 features from d on; the last group may be short.
template <int kQueries, int kGroups, bool kWhole, typename Stored>
MK_INLINE void weigh(const Stored* values, int32_t head_dim, int32_t d, TileSpan span, State<kQueries>& state) {
  const int rest = head_dim - d;
  Lanes16 sums[kQueries][kGroups];
#pragma GCC unroll 4
  for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g)
      sums[q][g] = mul(load16(state.weighted[q] + d + 16 * g), set1(state.correction[q]));
  }
  for (int j = span.first; j < span.last; ++j) {
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
MK_INLINE void weigh_tile(const AttentionItem& item, int32_t tile, TileSpan span, State<kQueries>& state) {
  constexpr int kGroups = features_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  const Stored* values = values_of<Stored>(item, tile);
  int32_t d = 0;
  for (; d + 16 * kGroups <= head_dim; d += 16 * kGroups)
    weigh<kQueries, kGroups, true>(values, head_dim, d, span, state);
  for (; d + 16 <= head_dim; d += 16) weigh<kQueries, 1, true>(values, head_dim, d, span, state);
  if (d < head_dim) weigh<kQueries, 1, false>(values, head_dim, d, span, state);
}

template <int kQueries, int kTiles, bool kWhole, typename Stored>
MK_INLINE void attend_tiles(const AttentionItem& item, int32_t tile, TileSpan span, State<kQueries>& state) {
  const Stored* keys[kTiles];
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) keys[t] = keys_of<Stored>(item, tile + t);
  Lanes16 scores[kTiles][kQueries];
  score<kQueries, kTiles, kWhole>(item.query, item.args->head_dim, keys, span.last, scores);
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    const bool is_first = tile + t == item.begin / kTile;
    const TileSpan own = kWhole ? kWholeTile : span;
#pragma GCC unroll 4
    for (int q = 0; q < kQueries; ++q) {
      state.correction[q] = share(scores[t][q], item.args->scale, own, is_first, state.softmax[q], state.shares[q]);
    }
    weigh_tile<kQueries, Stored>(item, tile + t, own, state);
  }
}

template <int kQueries, typename Stored>
__attribute__((noinline)) void attend_part(const AttentionItem& item, int32_t tile, State<kQueries>& state) {
  attend_tiles<kQueries, 1, false, Stored>(item, tile, span_of(item, tile), state);
}

template <int kQueries, typename Stored>
__attribute__((noinline)) void attend(const AttentionItem& item) {
  constexpr int kTiles = tiles_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  const int64_t tile_bytes = static_cast<int64_t>(head_dim) * kTile * static_cast<int64_t>(sizeof(Stored));
  State<kQueries> state;
  const int32_t padded = (head_dim + 15) / 16 * 16;
  for (int q = 0; q < kQueries; ++q) {
    std::memset(state.weighted[q], 0, static_cast<uint64_t>(padded) * sizeof(float));
    state.softmax[q] = {0.0f, 0.0f};
  }

  const int32_t whole = item.end / kTile;
  int32_t tile = item.begin / kTile;
  if (item.begin % kTile != 0) attend_part<kQueries, Stored>(item, tile++, state);
  for (; tile + kTiles <= whole; tile += kTiles) {
    // Blocks lie anywhere in the cache, so the hardware cannot guess the next.
    for (int32_t next = tile + kTiles; next < tile + 2 * kTiles && next < whole; ++next) {
      prefetch_range(keys_of<Stored>(item, next), tile_bytes);
      prefetch_range(values_of<Stored>(item, next), tile_bytes);
    }
    attend_tiles<kQueries, kTiles, true, Stored>(item, tile, kWholeTile, state);
  }
  if constexpr (kTiles > 1) {
    for (; tile < whole; ++tile) attend_tiles<kQueries, 1, true, Stored>(item, tile, kWholeTile, state);
  }
  if (tile * kTile < item.end) attend_part<kQueries, Stored>(item, tile, state);

  for (int q = 0; q < kQueries; ++q) {
    const V correction = set1(finish(item.sinks == nullptr ? nullptr : item.sinks + q, state.softmax[q]));
    const V factor = set1(1.0f / state.softmax[q].sum);
    float* out = item.out + static_cast<int64_t>(q) * head_dim;
    for (int32_t d = 0; d < head_dim; d += 16)
      store16_first(out + d, head_dim - d, mul(mul(load16(state.weighted[q] + d), correction), factor));
  }
}

template <int kQueries>
void attend_some(const AttentionItem& item) {
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
    const int32_t first_head = static_cast<int32_t>(i % args.kv_heads) * queries;
    for (int32_t done = 0; done < queries;) {
      const AttentionItem item = item_of(args, row, first_head + done);
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
  double positions = 0.0;
  for (int32_t row = 0; row < args.rows; ++row)
    positions += args.positions[row] + 1 - window_begin(args.positions[row], args.window);
  const double cost_ns = positions * args.heads * (args.head_dim + args.value_dim) / 16.0;
  if (args.is_latent != 0) {
    latent_attention(runtime, args, cost_ns);
    return MK_OK;
  }
  parallel_for_grain(runtime, static_cast<int64_t>(args.rows) * args.kv_heads, 1, cost_ns, attend_items, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

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

// How many tiles ahead keys and values are asked for.
constexpr int kTilesAhead = 2;

// Where the walk over an item's tiles and on through the next item's comes to.
struct Place {
  const AttentionItem* item;
  int32_t tile;
};

MK_INLINE Place place_ahead(const AttentionItem& item, const AttentionItem& next, int32_t tile) {
  const int32_t end = (item.end + kTile - 1) / kTile;
  if (tile < end) return {&item, tile};
  const int32_t first = next.begin / kTile, last = (next.end - 1) / kTile;
  const int32_t beyond = first + tile - end;
  return {&next, beyond < last ? beyond : last};
}

// weighted = weighted * correction + shares x values, for kGroups x 16 features from d on; the last group may be short.
// Meanwhile the values at `ahead` are asked for.
template <int kQueries, int kGroups, bool kWhole, typename Stored>
MK_INLINE void weigh(const Stored* values, const Stored* ahead, int32_t head_dim, int32_t d, TileSpan span,
                     State<kQueries>& state) {
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
      prefetch(ahead + static_cast<int64_t>(j) * head_dim + d + 16 * g);
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
MK_INLINE void weigh_tile(const AttentionItem& item, int32_t tile, const Stored* ahead, TileSpan span,
                          State<kQueries>& state) {
  constexpr int kGroups = features_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  const Stored* values = values_of<Stored>(item, tile);
  int32_t d = 0;
  for (; d + 16 * kGroups <= head_dim; d += 16 * kGroups)
    weigh<kQueries, kGroups, true>(values, ahead, head_dim, d, span, state);
  for (; d + 16 <= head_dim; d += 16) weigh<kQueries, 1, true>(values, ahead, head_dim, d, span, state);
  if (d < head_dim) weigh<kQueries, 1, false>(values, ahead, head_dim, d, span, state);
}

template <int kQueries, int kTiles, bool kWhole, typename Stored>
MK_INLINE void attend_tiles(const AttentionItem& item, const AttentionItem& next, int32_t tile, TileSpan span,
                            State<kQueries>& state) {
  const Stored *keys[kTiles], *keys_ahead[kTiles], *values_ahead[kTiles];
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    keys[t] = keys_of<Stored>(item, tile + t);
    const Place place = place_ahead(item, next, tile + t + kTilesAhead);
    keys_ahead[t] = keys_of<Stored>(*place.item, place.tile);
    values_ahead[t] = values_of<Stored>(*place.item, place.tile);
  }
  Lanes16 scores[kTiles][kQueries];
  score<kQueries, kTiles, kWhole>(item.query, item.args->head_dim, keys, keys_ahead, span.last, scores);
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
    const bool is_first = tile + t == item.begin / kTile;
    const TileSpan own = kWhole ? kWholeTile : span;
#pragma GCC unroll 4
    for (int q = 0; q < kQueries; ++q) {
      state.correction[q] = share(scores[t][q], item.args->scale, own, is_first, state.softmax[q], state.shares[q]);
    }
    weigh_tile<kQueries, Stored>(item, tile + t, values_ahead[t], own, state);
  }
}

template <int kQueries, typename Stored>
__attribute__((noinline)) void attend_part(const AttentionItem& item, const AttentionItem& next, int32_t tile,
                                           State<kQueries>& state) {
  attend_tiles<kQueries, 1, false, Stored>(item, next, tile, span_of(item, tile), state);
}

template <int kQueries, typename Stored>
__attribute__((noinline)) void attend(const AttentionItem& item, const AttentionItem& next) {
  constexpr int kTiles = tiles_together(kQueries);
  const int32_t head_dim = item.args->head_dim;
  State<kQueries> state;
  const int32_t padded = (head_dim + 15) / 16 * 16;
  for (int q = 0; q < kQueries; ++q) {
    std::memset(state.weighted[q], 0, static_cast<uint64_t>(padded) * sizeof(float));
    state.softmax[q] = {0.0f, 0.0f};
  }

  const int32_t whole = item.end / kTile;
  int32_t tile = item.begin / kTile;
  if (item.begin % kTile != 0) attend_part<kQueries, Stored>(item, next, tile++, state);
  for (; tile + kTiles <= whole; tile += kTiles) {
    attend_tiles<kQueries, kTiles, true, Stored>(item, next, tile, kWholeTile, state);
  }
  if constexpr (kTiles > 1) {
    for (; tile < whole; ++tile) attend_tiles<kQueries, 1, true, Stored>(item, next, tile, kWholeTile, state);
  }
  if (tile * kTile < item.end) attend_part<kQueries, Stored>(item, next, tile, state);

  for (int q = 0; q < kQueries; ++q) {
    const V correction = set1(finish(item.sinks == nullptr ? nullptr : item.sinks + q, state.softmax[q]));
    const V factor = set1(1.0f / state.softmax[q].sum);
    float* out = item.out + static_cast<int64_t>(q) * head_dim;
    for (int32_t d = 0; d < head_dim; d += 16)
      store16_first(out + d, head_dim - d, mul(mul(load16(state.weighted[q] + d), correction), factor));
  }
}

template <int kQueries>
void attend_some(const AttentionItem& item, const AttentionItem& next) {
  if (item.args->kv_dtype == MK_F32)
    attend<kQueries, float>(item, next);
  else
    attend<kQueries, uint16_t>(item, next);
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
      const int64_t after = left <= kMostQueries && i + 1 < end ? i + 1 : i;
      const AttentionItem next =
          item_of(args, after / args.kv_heads, static_cast<int32_t>(after % args.kv_heads) * queries);
      if (left >= kMostQueries)
        attend_some<kMostQueries>(item, next);
      else if (left == 3)
        attend_some<3>(item, next);
      else if (left == 2)
        attend_some<2>(item, next);
      else
        attend_some<1>(item, next);
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

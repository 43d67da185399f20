// Attention over a latent cache, where a position's value is the beginning of its key and all query heads read the
// same keys. An item is a row and a group of heads: it turns each tile of keys [feature][position] into values
// [position][feature] once, for all its heads.
#include "attention.h"

namespace mk::MK_ISA {
namespace {

// Query heads scored and weighted together: eight chains.
constexpr int kMostQueries = 8 / kParts;

// Heads of an item: the more, the less a turned tile costs each of them. Fewer where there are threads to occupy.
constexpr int32_t kLeastHeads = 8;
constexpr int32_t kMostHeads = 64;

struct Job {
  const mk_paged_attention_args* args;
  int32_t heads_at_once;
  int32_t items_of_kv_head;
};

// A tile's values as fp32 [value_dim / 16][16 positions][16 features], so that a group of features lies together.
struct Values {
  alignas(64) float at[kMostHeadDim * kTile];
};

template <typename Stored>
MK_INLINE void turn_tile(const Stored* keys, int32_t value_dim, Values& values) {
  for (int32_t d = 0; d < value_dim; d += kTile) {
    const int rows = value_dim - d < kTile ? value_dim - d : kTile;
    transpose16(keys + static_cast<int64_t>(d) * kTile, rows, values.at + static_cast<int64_t>(d) * kTile);
  }
}

// What the heads of a group keep of the tile at hand.
template <int kQueries>
struct Shares {
  float shares[kQueries][kTile];
  float correction[kQueries];
};

// out = out * correction + shares x values, for sixteen features of each query; `out` is undefined before the first.
template <int kQueries, bool kWhole>
MK_INLINE void weigh(const float* values, TileSpan span, const Shares<kQueries>& tile, bool is_first, int rest,
                     float* out, int32_t value_dim) {
  Lanes16 sums[kQueries];
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; ++q) {
    const float* at = out + static_cast<int64_t>(q) * value_dim;
    sums[q] = is_first ? splat16(0.0f) : mul(kWhole ? load16(at) : load16_first(at, rest), set1(tile.correction[q]));
  }
  for (int j = span.first; j < span.last; ++j) {
    const Lanes16 value = load16(values + j * kTile);
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) sums[q] = fma(set1(tile.shares[q][j]), value, sums[q]);
  }
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; ++q) {
    float* at = out + static_cast<int64_t>(q) * value_dim;
    if constexpr (kWhole)
      store16(at, sums[q]);
    else
      store16_first(at, rest, sums[q]);
  }
}

// One tile for kQueries of the item's heads, from head `first` on.
template <int kQueries, typename Stored>
__attribute__((noinline)) void attend(const AttentionItem& item, int32_t first, int32_t tile, const Values& values,
                                      Softmax* softmax) {
  const mk_paged_attention_args& args = *item.args;
  const TileSpan span = span_of(item, tile);
  const bool is_first = tile == item.begin / kTile;
  const float* queries = item.query + static_cast<int64_t>(first) * args.head_dim;
  const Stored* const keys[1] = {keys_of<Stored>(item, tile)};
  const Stored* const ahead[1] = {keys_of<Stored>(item, item.end > (tile + 1) * kTile ? tile + 1 : tile)};
  Lanes16 scores[1][kQueries];
  if (span.last == kTile)
    score<kQueries, 1, true>(queries, args.head_dim, keys, ahead, kTile, scores);
  else
    score<kQueries, 1, false>(queries, args.head_dim, keys, ahead, span.last, scores);
  Shares<kQueries> shares;
#pragma GCC unroll 1
  for (int q = 0; q < kQueries; ++q)
    shares.correction[q] = share(scores[0][q], args.scale, span, is_first, softmax[first + q], shares.shares[q]);

  float* out = item.out + static_cast<int64_t>(first) * args.value_dim;
  int32_t d = 0;
  for (; d + kTile <= args.value_dim; d += kTile)
    weigh<kQueries, true>(values.at + d * kTile, span, shares, is_first, kTile, out + d, args.value_dim);
  if (d < args.value_dim) {
    weigh<kQueries, false>(values.at + d * kTile, span, shares, is_first, args.value_dim - d, out + d, args.value_dim);
  }
}

// One tile for all of the item's heads, in groups of kQueries while there are so many, then of half as many.
template <int kQueries, typename Stored>
void attend_heads(const AttentionItem& item, int32_t first, int32_t heads, int32_t tile, const Values& values,
                  Softmax* softmax) {
  for (; heads - first >= kQueries; first += kQueries) attend<kQueries, Stored>(item, first, tile, values, softmax);
  if constexpr (kQueries > 1) attend_heads<kQueries / 2, Stored>(item, first, heads, tile, values, softmax);
}

template <typename Stored>
void attend_item(const AttentionItem& item, int32_t heads) {
  const mk_paged_attention_args& args = *item.args;
  const int32_t tiles = (item.end + kTile - 1) / kTile;
  Softmax softmax[kMostHeads] = {};
  Values values;
  for (int32_t tile = item.begin / kTile; tile < tiles; ++tile) {
    turn_tile(keys_of<Stored>(item, tile), args.value_dim, values);
    attend_heads<kMostQueries, Stored>(item, 0, heads, tile, values, softmax);
  }
  for (int32_t head = 0; head < heads; ++head) {
    const V correction = set1(finish(item.sinks == nullptr ? nullptr : item.sinks + head, softmax[head]));
    const V factor = set1(1.0f / softmax[head].sum);
    float* out = item.out + static_cast<int64_t>(head) * args.value_dim;
    for (int32_t d = 0; d < args.value_dim; d += 16) {
      const int rest = args.value_dim - d;
      store16_first(out + d, rest, mul(mul(load16_first(out + d, rest), correction), factor));
    }
  }
}

void attend_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_paged_attention_args& args = *job.args;
  const int32_t queries = args.heads / args.kv_heads;
  const int64_t items_of_row = static_cast<int64_t>(job.items_of_kv_head) * args.kv_heads;
  for (int64_t i = begin; i < end; ++i) {
    const int32_t kv_head = static_cast<int32_t>(i % items_of_row) / job.items_of_kv_head;
    const int32_t first = static_cast<int32_t>(i % job.items_of_kv_head) * job.heads_at_once;
    const int32_t heads = queries - first < job.heads_at_once ? queries - first : job.heads_at_once;
    const AttentionItem item = item_of(args, i / items_of_row, kv_head * queries + first);
    if (args.kv_dtype == MK_F32)
      attend_item<float>(item, heads);
    else
      attend_item<uint16_t>(item, heads);
  }
}

}  // namespace

void latent_attention(Runtime& runtime, const mk_paged_attention_args& args, double cost_ns) {
  const int32_t queries = args.heads / args.kv_heads;
  const int64_t rows = static_cast<int64_t>(args.rows) * args.kv_heads;
  if (rows == 0) return;
  const int64_t wanted = thread_count(runtime) == 1 ? 1 : 2 * thread_count(runtime);
  const int64_t cuts = (wanted + rows - 1) / rows;  // of a row's heads, so that all threads get some
  const int64_t fair = (queries + cuts - 1) / cuts;
  const int64_t whole_groups = (fair + kMostQueries - 1) / kMostQueries * kMostQueries;
  const int64_t heads = whole_groups < kLeastHeads  ? kLeastHeads
                        : whole_groups > kMostHeads ? kMostHeads
                                                    : whole_groups;
  Job job = {&args, static_cast<int32_t>(heads), 0};
  job.items_of_kv_head = (queries + job.heads_at_once - 1) / job.heads_at_once;
  parallel_for_grain(runtime, rows * job.items_of_kv_head, 1, cost_ns, attend_items, &job);
}

}  // namespace mk::MK_ISA

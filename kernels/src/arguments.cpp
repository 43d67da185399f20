#include "arguments.h"

#include <string>

#include "bounds.h"
#include "error.h"
#include "kv_cache.h"
#include "packed.h"

namespace mk {
namespace {

// Texts are built only for a check that failed: a call of the hot path must not allocate.
[[noreturn]] void refuse_value(const char* name, int64_t index, int64_t value, int64_t limit) {
  throw Error(MK_INVALID, std::string(name) + "[" + std::to_string(index) + "] is " + std::to_string(value) +
                              ", outside 0.." + std::to_string(limit - 1));
}

void check_values(const char* name, const int32_t* values, int32_t count, int32_t limit) {
  for (int32_t i = 0; i < count; ++i) {
    if (values[i] < 0 || values[i] >= limit) refuse_value(name, i, values[i], limit);
  }
}

int64_t product(int32_t a, int32_t b) { return static_cast<int64_t>(a) * b; }

void check_kv_dtype(int32_t dtype) {
  if (!is_stored_dtype(dtype)) throw Error(MK_UNSUPPORTED, "kv_dtype must be F32 or BF16");
}

struct KvPlaces {
  const int32_t* block_tables;
  const int32_t* sequence_of_row;
  const int32_t* positions;
  int32_t rows;
  int32_t block_count;
  int32_t sequences;
  int32_t block_table_stride;
};

// How far back a row's blocks are touched: its own only, or all that it attends to.
constexpr int32_t kOwnPosition = 1;

// Every row's sequence and position exist, and the blocks of the last `window` positions (0: of all).
void check_places(const KvPlaces& places, int32_t window, Elements elements) {
  require(places.block_tables != nullptr, "block_tables is null");
  require(places.sequence_of_row != nullptr, "sequence_of_row is null");
  require(places.positions != nullptr, "positions is null");
  require(places.block_count > 0, "block_count must be positive");
  require(places.sequences > 0, "sequences must be positive");
  require(places.block_table_stride > 0, "block_table_stride must be positive");
  if (elements == Elements::kOnDevice) return;
  check_values("sequence_of_row", places.sequence_of_row, places.rows, places.sequences);
  for (int32_t row = 0; row < places.rows; ++row) {
    const int64_t capacity = product(places.block_table_stride, MK_KV_BLOCK_TOKENS);
    if (places.positions[row] < 0 || places.positions[row] >= capacity)
      refuse_value("positions", row, places.positions[row], capacity);
    const int32_t* table = places.block_tables + product(places.sequence_of_row[row], places.block_table_stride);
    const int32_t last = places.positions[row] / MK_KV_BLOCK_TOKENS;
    const int32_t first = window_begin(places.positions[row], window) / MK_KV_BLOCK_TOKENS;
    check_values("block_tables of a row", table + first, last - first + 1, places.block_count);
  }
}

}  // namespace

bool is_stored_dtype(int32_t dtype) { return dtype == MK_F32 || dtype == MK_BF16; }

void check(const mk_embed_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.table != nullptr && args.ids != nullptr && args.out != nullptr, "table, ids or out is null");
  require(args.vocabulary > 0 && args.hidden > 0, "vocabulary and hidden must be positive");
  require(is_stored_dtype(args.table_dtype) || args.table_dtype == MK_F16, "table_dtype must be F32, BF16 or F16");
  if (elements == Elements::kOnHost) check_values("ids", args.ids, args.rows, args.vocabulary);
}

void check(const mk_rmsnorm_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.in != nullptr && args.weight != nullptr && args.out != nullptr, "in, weight or out is null");
  require(args.groups > 0 && args.width > 0, "groups and width must be positive");
  require(args.in_stride >= product(args.groups, args.width), "in_stride is shorter than groups x width");
  require(args.out_stride >= product(args.groups, args.width), "out_stride is shorter than groups x width");
}

void check(const mk_layernorm_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.in != nullptr && args.weight != nullptr && args.out != nullptr, "in, weight or out is null");
  require(args.width > 0, "width must be positive");
  require(args.in_stride >= args.width && args.out_stride >= args.width,
          "in_stride or out_stride is shorter than width");
}

void check(const mk_clamp_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.rows_data != nullptr, "rows_data is null");
  require(args.width > 0 && args.stride >= args.width, "width must be positive and at most stride");
  require(args.limit > 0.0f, "limit must be positive");
}

void check(const mk_gemm_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  require(args.weight != nullptr, "weight is null");
  if (args.rows == 0) return;
  require(args.in != nullptr && args.out != nullptr, "in or out is null");
  require(args.in_stride >= args.weight->matrix.columns, "in_stride is shorter than the weight's in_features");
  require(args.out_stride >= args.weight->rows, "out_stride is shorter than the weight's out_features");
  require(args.residual == nullptr || args.residual_stride >= args.weight->rows,
          "residual_stride is shorter than the weight's out_features");
}

void check(const mk_gemm_heads_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.in != nullptr && args.weights != nullptr && args.out != nullptr, "in, weights or out is null");
  require(args.heads > 0, "heads must be positive");
  for (int32_t head = 0; head < args.heads; ++head) {
    require(args.weights[head] != nullptr, "a head's weight is null");
    require(args.weights[head]->rows == args.weights[0]->rows &&
                args.weights[head]->matrix.columns == args.weights[0]->matrix.columns,
            "weights must all have one shape");
  }
  const int32_t columns = args.weights[0]->matrix.columns;
  require(args.in_head_stride >= columns && args.in_stride >= columns,
          "in_stride or in_head_stride is shorter than the weights' in_features");
  require(args.out_head_stride >= args.weights[0]->rows && args.out_stride >= args.weights[0]->rows,
          "out_stride or out_head_stride is shorter than the weights' out_features");
}

void check(const mk_rope_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.rows_data != nullptr && args.positions != nullptr && args.cosine_sine != nullptr,
          "rows_data, positions or cosine_sine is null");
  require(args.heads > 0 && args.head_dim > 0, "heads and head_dim must be positive");
  require(args.rotary_dim >= 0 && args.rotary_dim % 2 == 0 && args.rotary_dim <= args.head_dim,
          "rotary_dim must be even and at most head_dim");
  require(args.stride >= product(args.heads, args.head_dim), "stride is shorter than heads x head_dim");
  require(args.pairing == MK_ROPE_HALVES || args.pairing == MK_ROPE_ADJACENT, "pairing must be halves or adjacent");
  if (elements == Elements::kOnHost) check_values("positions", args.positions, args.rows, args.context);
}

void check(const mk_kv_write_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.keys != nullptr && args.cache != nullptr, "keys or cache is null");
  require(args.is_latent != 0 || args.values != nullptr, "values is null and the cache is not latent");
  require(args.kv_heads > 0 && args.head_dim > 0, "kv_heads and head_dim must be positive");
  require(args.stride >= product(args.kv_heads, args.head_dim), "stride is shorter than kv_heads x head_dim");
  check_kv_dtype(args.kv_dtype);
  check_places({args.block_tables, args.sequence_of_row, args.positions, args.rows, args.block_count, args.sequences,
                args.block_table_stride},
               kOwnPosition, elements);
}

void check(const mk_paged_attention_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.queries != nullptr && args.out != nullptr && args.cache != nullptr, "queries, out or cache is null");
  require(args.heads > 0 && args.kv_heads > 0 && args.heads % args.kv_heads == 0,
          "heads must be a positive multiple of kv_heads");
  require(args.head_dim > 0 && args.head_dim <= kMostHeadDim, "head_dim must be in 1..1024");
  require(args.query_stride >= product(args.heads, args.head_dim), "query_stride is shorter than heads x head_dim");
  require(args.is_latent != 0 ? args.value_dim > 0 && args.value_dim <= args.head_dim : args.value_dim == args.head_dim,
          "value_dim must be head_dim, or in 1..head_dim for a latent cache");
  require(args.out_stride >= product(args.heads, args.value_dim), "out_stride is shorter than heads x value_dim");
  require(args.window >= 0, "window must not be negative");
  check_kv_dtype(args.kv_dtype);
  check_places({args.block_tables, args.sequence_of_row, args.positions, args.rows, args.block_count, args.sequences,
                args.block_table_stride},
               args.window, elements);
}

void check(const mk_gate_topk_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.logits != nullptr && args.experts_out != nullptr && args.weights_out != nullptr,
          "logits, experts_out or weights_out is null");
  require(args.experts > 0 && args.experts <= kMostExperts, "experts must be in 1..4096");
  require(args.top_k > 0 && args.top_k <= args.experts && args.top_k <= kMostTopK,
          "top_k must be in 1..min(experts, 64)");
  require(args.router_kind == MK_ROUTER_SOFTMAX || args.router_kind == MK_ROUTER_SIGMOID,
          "router_kind must be softmax or sigmoid");
  require(args.groups >= 1 && args.experts % args.groups == 0, "groups must be a divisor of experts");
  if (args.groups == 1) return;
  require(args.top_groups >= 1 && args.top_groups <= args.groups, "top_groups must be in 1..groups");
  require(product(args.top_groups, args.experts / args.groups) >= args.top_k,
          "top_groups groups hold fewer than top_k experts");
  require(args.group_score == MK_GROUP_MAXIMUM || args.group_score == MK_GROUP_TOP_TWO,
          "group_score must be maximum or top two");
}

void check(const mk_scatter_rows_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.in != nullptr && args.row_index != nullptr && args.out != nullptr, "in, row_index or out is null");
  require(args.hidden > 0 && args.in_stride >= args.hidden, "hidden must be positive and at most in_stride");
  if (elements == Elements::kOnHost) check_values("row_index", args.row_index, args.rows, INT32_MAX);
}

void check(const mk_grouped_ffn_args& args, Elements elements) {
  require(args.experts != nullptr, "experts is null");
  require(args.pairs >= 0, "pairs must not be negative");
  if (args.pairs == 0) return;
  require(args.offsets != nullptr && args.row_of_pair != nullptr && args.out_of_pair != nullptr,
          "offsets, row_of_pair or out_of_pair is null");
  if (elements == Elements::kOnDevice) return;
  require(args.offsets[0] == 0, "offsets[0] must be 0");
  const int32_t experts = args.experts->shape.count;
  for (int32_t i = 0; i < experts; ++i) require(args.offsets[i] <= args.offsets[i + 1], "offsets must not descend");
  require(args.offsets[experts] == args.pairs, "the last of offsets must equal pairs");
  for (int32_t i = 0; i < args.pairs; ++i)
    require(args.row_of_pair[i] != nullptr && args.out_of_pair[i] != nullptr, "a pair's row is null");
}

void check(const mk_combine_args& args, Elements elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.residual != nullptr, "residual is null");
  require(args.hidden > 0, "hidden must be positive");
  require(args.top_k > 0 || (args.top_k == 0 && args.shared != nullptr),
          "top_k must be positive, or 0 where there is a shared row");
  require(args.top_k == 0 || (args.result_of_pair != nullptr && args.weights != nullptr),
          "result_of_pair or weights is null");
  require(args.shared_logits == nullptr || args.shared != nullptr, "shared_logits needs shared");
  require(args.stride >= args.hidden, "stride is shorter than hidden");
  if (elements == Elements::kOnDevice) return;
  const int64_t pairs = product(args.rows, args.top_k);
  for (int64_t i = 0; i < pairs; ++i) require(args.result_of_pair[i] != nullptr, "a pair's result row is null");
}

void check(const mk_log_sum_exp_args& args, Elements) {
  require(args.rows >= 0, "rows must not be negative");
  if (args.rows == 0) return;
  require(args.logits != nullptr && args.maximum != nullptr && args.log_sum_exp != nullptr,
          "logits, maximum or log_sum_exp is null");
  require(args.vocabulary > 0 && args.stride >= args.vocabulary, "vocabulary must be positive and at most stride");
}

}  // namespace mk

// Tells callers in other languages how this build lays out the structs of mk.h.
#include <cstddef>
#include <iterator>

#include "mk/mk.h"

namespace {

struct Layout {
  uint32_t bytes;
  const uint32_t* offsets;
  uint32_t fields;
};

constexpr uint32_t kContextConfigOffsets[] = {
    offsetof(mk_context_config, struct_bytes), offsetof(mk_context_config, backend),
    offsetof(mk_context_config, device_index), offsetof(mk_context_config, thread_count),
    offsetof(mk_context_config, core_mask),    offsetof(mk_context_config, spin_us),
    offsetof(mk_context_config, reserved)};

constexpr uint32_t kMatrixOffsets[] = {
    offsetof(mk_matrix, data),          offsetof(mk_matrix, scales),           offsetof(mk_matrix, row_stride),
    offsetof(mk_matrix, column_stride), offsetof(mk_matrix, scale_row_stride), offsetof(mk_matrix, scale_column_stride),
    offsetof(mk_matrix, block_rows),    offsetof(mk_matrix, block_columns),    offsetof(mk_matrix, scale_row),
    offsetof(mk_matrix, scale_column),  offsetof(mk_matrix, data_dtype),       offsetof(mk_matrix, rows)};

constexpr uint32_t kExpertMatricesOffsets[] = {
    offsetof(mk_expert_matrices, gate),    offsetof(mk_expert_matrices, up),
    offsetof(mk_expert_matrices, down),    offsetof(mk_expert_matrices, gate_bias),
    offsetof(mk_expert_matrices, up_bias), offsetof(mk_expert_matrices, down_bias)};

constexpr uint32_t kEmbedArgsOffsets[] = {offsetof(mk_embed_args, table),      offsetof(mk_embed_args, ids),
                                          offsetof(mk_embed_args, out),        offsetof(mk_embed_args, table_dtype),
                                          offsetof(mk_embed_args, vocabulary), offsetof(mk_embed_args, rows),
                                          offsetof(mk_embed_args, hidden)};

constexpr uint32_t kRmsnormArgsOffsets[] = {
    offsetof(mk_rmsnorm_args, in),        offsetof(mk_rmsnorm_args, weight),     offsetof(mk_rmsnorm_args, out),
    offsetof(mk_rmsnorm_args, rows),      offsetof(mk_rmsnorm_args, groups),     offsetof(mk_rmsnorm_args, width),
    offsetof(mk_rmsnorm_args, in_stride), offsetof(mk_rmsnorm_args, out_stride), offsetof(mk_rmsnorm_args, epsilon)};

constexpr uint32_t kGemmArgsOffsets[] = {offsetof(mk_gemm_args, in),        offsetof(mk_gemm_args, weight),
                                         offsetof(mk_gemm_args, bias),      offsetof(mk_gemm_args, residual),
                                         offsetof(mk_gemm_args, out),       offsetof(mk_gemm_args, rows),
                                         offsetof(mk_gemm_args, in_stride), offsetof(mk_gemm_args, residual_stride),
                                         offsetof(mk_gemm_args, out_stride)};

constexpr uint32_t kRopeArgsOffsets[] = {offsetof(mk_rope_args, rows_data),   offsetof(mk_rope_args, positions),
                                         offsetof(mk_rope_args, cosine_sine), offsetof(mk_rope_args, rows),
                                         offsetof(mk_rope_args, heads),       offsetof(mk_rope_args, head_dim),
                                         offsetof(mk_rope_args, rotary_dim),  offsetof(mk_rope_args, stride),
                                         offsetof(mk_rope_args, context),     offsetof(mk_rope_args, pairing)};

constexpr uint32_t kKvWriteArgsOffsets[] = {offsetof(mk_kv_write_args, keys),
                                            offsetof(mk_kv_write_args, values),
                                            offsetof(mk_kv_write_args, cache),
                                            offsetof(mk_kv_write_args, block_tables),
                                            offsetof(mk_kv_write_args, sequence_of_row),
                                            offsetof(mk_kv_write_args, positions),
                                            offsetof(mk_kv_write_args, rows),
                                            offsetof(mk_kv_write_args, stride),
                                            offsetof(mk_kv_write_args, kv_heads),
                                            offsetof(mk_kv_write_args, head_dim),
                                            offsetof(mk_kv_write_args, kv_dtype),
                                            offsetof(mk_kv_write_args, block_count),
                                            offsetof(mk_kv_write_args, sequences),
                                            offsetof(mk_kv_write_args, block_table_stride),
                                            offsetof(mk_kv_write_args, is_latent)};

constexpr uint32_t kPagedAttentionArgsOffsets[] = {offsetof(mk_paged_attention_args, queries),
                                                   offsetof(mk_paged_attention_args, out),
                                                   offsetof(mk_paged_attention_args, cache),
                                                   offsetof(mk_paged_attention_args, block_tables),
                                                   offsetof(mk_paged_attention_args, sequence_of_row),
                                                   offsetof(mk_paged_attention_args, positions),
                                                   offsetof(mk_paged_attention_args, sinks),
                                                   offsetof(mk_paged_attention_args, rows),
                                                   offsetof(mk_paged_attention_args, query_stride),
                                                   offsetof(mk_paged_attention_args, out_stride),
                                                   offsetof(mk_paged_attention_args, heads),
                                                   offsetof(mk_paged_attention_args, kv_heads),
                                                   offsetof(mk_paged_attention_args, head_dim),
                                                   offsetof(mk_paged_attention_args, kv_dtype),
                                                   offsetof(mk_paged_attention_args, block_count),
                                                   offsetof(mk_paged_attention_args, sequences),
                                                   offsetof(mk_paged_attention_args, block_table_stride),
                                                   offsetof(mk_paged_attention_args, scale),
                                                   offsetof(mk_paged_attention_args, is_latent),
                                                   offsetof(mk_paged_attention_args, value_dim),
                                                   offsetof(mk_paged_attention_args, window)};

constexpr uint32_t kGateTopkArgsOffsets[] = {
    offsetof(mk_gate_topk_args, logits),      offsetof(mk_gate_topk_args, correction),
    offsetof(mk_gate_topk_args, experts_out), offsetof(mk_gate_topk_args, weights_out),
    offsetof(mk_gate_topk_args, rows),        offsetof(mk_gate_topk_args, experts),
    offsetof(mk_gate_topk_args, top_k),       offsetof(mk_gate_topk_args, router_kind),
    offsetof(mk_gate_topk_args, normalize),   offsetof(mk_gate_topk_args, groups),
    offsetof(mk_gate_topk_args, top_groups),  offsetof(mk_gate_topk_args, scaling),
    offsetof(mk_gate_topk_args, group_score)};

constexpr uint32_t kScatterRowsArgsOffsets[] = {
    offsetof(mk_scatter_rows_args, in),     offsetof(mk_scatter_rows_args, row_index),
    offsetof(mk_scatter_rows_args, out),    offsetof(mk_scatter_rows_args, rows),
    offsetof(mk_scatter_rows_args, hidden), offsetof(mk_scatter_rows_args, in_stride)};

constexpr uint32_t kGroupedFfnArgsOffsets[] = {
    offsetof(mk_grouped_ffn_args, experts),     offsetof(mk_grouped_ffn_args, offsets),
    offsetof(mk_grouped_ffn_args, row_of_pair), offsetof(mk_grouped_ffn_args, out_of_pair),
    offsetof(mk_grouped_ffn_args, pairs),       offsetof(mk_grouped_ffn_args, reserved)};

constexpr uint32_t kCombineArgsOffsets[] = {
    offsetof(mk_combine_args, result_of_pair), offsetof(mk_combine_args, weights),  offsetof(mk_combine_args, shared),
    offsetof(mk_combine_args, shared_logits),  offsetof(mk_combine_args, residual), offsetof(mk_combine_args, rows),
    offsetof(mk_combine_args, hidden),         offsetof(mk_combine_args, top_k),    offsetof(mk_combine_args, stride)};

constexpr uint32_t kLogSumExpArgsOffsets[] = {
    offsetof(mk_log_sum_exp_args, logits),      offsetof(mk_log_sum_exp_args, maximum),
    offsetof(mk_log_sum_exp_args, log_sum_exp), offsetof(mk_log_sum_exp_args, best),
    offsetof(mk_log_sum_exp_args, rows),        offsetof(mk_log_sum_exp_args, vocabulary),
    offsetof(mk_log_sum_exp_args, stride),      offsetof(mk_log_sum_exp_args, reserved)};

constexpr uint32_t kLayernormArgsOffsets[] = {
    offsetof(mk_layernorm_args, in),         offsetof(mk_layernorm_args, weight),
    offsetof(mk_layernorm_args, out),        offsetof(mk_layernorm_args, rows),
    offsetof(mk_layernorm_args, width),      offsetof(mk_layernorm_args, in_stride),
    offsetof(mk_layernorm_args, out_stride), offsetof(mk_layernorm_args, epsilon)};

constexpr uint32_t kClampArgsOffsets[] = {offsetof(mk_clamp_args, rows_data), offsetof(mk_clamp_args, rows),
                                          offsetof(mk_clamp_args, width), offsetof(mk_clamp_args, stride),
                                          offsetof(mk_clamp_args, limit)};

constexpr uint32_t kGemmHeadsArgsOffsets[] = {offsetof(mk_gemm_heads_args, in),
                                              offsetof(mk_gemm_heads_args, weights),
                                              offsetof(mk_gemm_heads_args, out),
                                              offsetof(mk_gemm_heads_args, rows),
                                              offsetof(mk_gemm_heads_args, heads),
                                              offsetof(mk_gemm_heads_args, in_stride),
                                              offsetof(mk_gemm_heads_args, in_head_stride),
                                              offsetof(mk_gemm_heads_args, out_stride),
                                              offsetof(mk_gemm_heads_args, out_head_stride)};

constexpr uint32_t kExpertsShapeOffsets[] = {offsetof(mk_experts_shape, count),      offsetof(mk_experts_shape, hidden),
                                             offsetof(mk_experts_shape, width),      offsetof(mk_experts_shape, dtype),
                                             offsetof(mk_experts_shape, activation), offsetof(mk_experts_shape, alpha),
                                             offsetof(mk_experts_shape, limit)};

template <uint32_t kFields>
constexpr Layout layout_of(uint32_t bytes, const uint32_t (&offsets)[kFields]) {
  return {bytes, offsets, kFields};
}

// In the order of mk_struct_id.
constexpr Layout kLayouts[] = {
    layout_of(sizeof(mk_context_config), kContextConfigOffsets),
    layout_of(sizeof(mk_matrix), kMatrixOffsets),
    layout_of(sizeof(mk_expert_matrices), kExpertMatricesOffsets),
    layout_of(sizeof(mk_embed_args), kEmbedArgsOffsets),
    layout_of(sizeof(mk_rmsnorm_args), kRmsnormArgsOffsets),
    layout_of(sizeof(mk_gemm_args), kGemmArgsOffsets),
    layout_of(sizeof(mk_rope_args), kRopeArgsOffsets),
    layout_of(sizeof(mk_kv_write_args), kKvWriteArgsOffsets),
    layout_of(sizeof(mk_paged_attention_args), kPagedAttentionArgsOffsets),
    layout_of(sizeof(mk_gate_topk_args), kGateTopkArgsOffsets),
    layout_of(sizeof(mk_scatter_rows_args), kScatterRowsArgsOffsets),
    layout_of(sizeof(mk_grouped_ffn_args), kGroupedFfnArgsOffsets),
    layout_of(sizeof(mk_combine_args), kCombineArgsOffsets),
    layout_of(sizeof(mk_log_sum_exp_args), kLogSumExpArgsOffsets),
    layout_of(sizeof(mk_layernorm_args), kLayernormArgsOffsets),
    layout_of(sizeof(mk_clamp_args), kClampArgsOffsets),
    layout_of(sizeof(mk_gemm_heads_args), kGemmHeadsArgsOffsets),
    layout_of(sizeof(mk_experts_shape), kExpertsShapeOffsets),
};
static_assert(std::size(kLayouts) == MK_STRUCT_COUNT);

}  // namespace

extern "C" uint32_t mk_struct_layout(int32_t struct_id, uint32_t* offsets, uint32_t capacity, uint32_t* fields) {
  if (struct_id < 0 || struct_id >= MK_STRUCT_COUNT) return 0;
  const Layout& layout = kLayouts[struct_id];
  for (uint32_t i = 0; offsets != nullptr && i < layout.fields && i < capacity; ++i) offsets[i] = layout.offsets[i];
  if (fields != nullptr) *fields = layout.fields;
  return layout.bytes;
}

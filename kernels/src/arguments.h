// The checks of mk.h's contracts that cost nothing per element. Each throws Error(MK_INVALID or MK_UNSUPPORTED) whose
// text names the argument; nothing has been written by then.
#pragma once

#include "backend.h"

namespace mk {

// Whether the arrays that arguments point to can be read here. On a device, its kernels check what they hold.
enum class Elements { kOnHost, kOnDevice };

void check(const mk_embed_args& args, Elements elements);
void check(const mk_rmsnorm_args& args, Elements elements);
void check(const mk_layernorm_args& args, Elements elements);
void check(const mk_clamp_args& args, Elements elements);
void check(const mk_gemm_args& args, Elements elements);
void check(const mk_gemm_heads_args& args, Elements elements);
void check(const mk_rope_args& args, Elements elements);
void check(const mk_kv_write_args& args, Elements elements);
void check(const mk_paged_attention_args& args, Elements elements);
void check(const mk_gate_topk_args& args, Elements elements);
void check(const mk_scatter_rows_args& args, Elements elements);
void check(const mk_grouped_ffn_args& args, Elements elements);
void check(const mk_combine_args& args, Elements elements);
void check(const mk_log_sum_exp_args& args, Elements elements);

void check_weight(const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype);
void check_experts(const mk_experts_shape& shape, const mk_expert_matrices* experts);

// What rows and caches are stored in; F16 is only read from checkpoints.
bool is_stored_dtype(int32_t dtype);

}  // namespace mk

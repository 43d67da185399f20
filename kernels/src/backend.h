// One implementation of every operation. Arguments have been checked.
#pragma once

#include "mk/mk.h"
#include "quantise.h"
#include "runtime.h"

// The operations, spelled the same in every backend's namespace.
#define MK_OPERATIONS(apply)                                                                                          \
  apply(embed, mk_embed_args) apply(rmsnorm, mk_rmsnorm_args) apply(layernorm, mk_layernorm_args)                     \
      apply(clamp, mk_clamp_args) apply(gemm, mk_gemm_args) apply(gemm_heads, mk_gemm_heads_args)                     \
          apply(rope, mk_rope_args) apply(kv_write, mk_kv_write_args) apply(paged_attention, mk_paged_attention_args) \
              apply(gate_topk, mk_gate_topk_args) apply(scatter_rows, mk_scatter_rows_args)                           \
                  apply(grouped_ffn, mk_grouped_ffn_args) apply(combine, mk_combine_args)                             \
                      apply(log_sum_exp, mk_log_sum_exp_args)

#define MK_DECLARE(operation, args_type) mk_status operation(Runtime& runtime, const args_type& args);

namespace mk {

struct Backend {
  const char* name;
  bool has_vnni;
  bool has_pairs;  // of bf16
  QuantiseGroup quantise_group;
#define MK_MEMBER(operation, args_type) mk_status (*operation)(Runtime&, const args_type&);
  MK_OPERATIONS(MK_MEMBER)
#undef MK_MEMBER
};

namespace reference {
MK_OPERATIONS(MK_DECLARE)
}
namespace avx2 {
MK_OPERATIONS(MK_DECLARE)
}
namespace avx512 {
MK_OPERATIONS(MK_DECLARE)
}

// The backend for an mk_backend; throws Error when this machine or build lacks it.
const Backend& choose_backend(int32_t backend);

// What avx512bf16::pairs_gain measured; for CPUs that have the instruction.
double pairs_gain();

// Where a row's maximum is, as mk_log_sum_exp tells it.
int32_t best_of(const float* logits, int32_t count, float maximum, double log_sum_exp);

// max + log(sum), in double: the last step of mk_log_sum_exp, the same code in every backend.
double log_of_sum(float maximum, double sum);

}  // namespace mk

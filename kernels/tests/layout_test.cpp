// What mk_struct_layout says of this build's structs.
#include <cstddef>

#include "harness.h"

namespace mk::test {
namespace {

struct Known {
  mk_struct_id id;
  uint32_t bytes;
  uint32_t fields;
  uint32_t last_field;  // its offset
};

#define MK_KNOWN(id, type, fields, last) \
  { id, sizeof(type), fields, offsetof(type, last) }
constexpr Known kKnown[] = {
    MK_KNOWN(MK_STRUCT_CONTEXT_CONFIG, mk_context_config, 7, reserved),
    MK_KNOWN(MK_STRUCT_MATRIX, mk_matrix, 12, rows),
    MK_KNOWN(MK_STRUCT_EXPERT_MATRICES, mk_expert_matrices, 6, down_bias),
    MK_KNOWN(MK_STRUCT_EMBED_ARGS, mk_embed_args, 7, hidden),
    MK_KNOWN(MK_STRUCT_RMSNORM_ARGS, mk_rmsnorm_args, 9, epsilon),
    MK_KNOWN(MK_STRUCT_GEMM_ARGS, mk_gemm_args, 9, out_stride),
    MK_KNOWN(MK_STRUCT_ROPE_ARGS, mk_rope_args, 10, pairing),
    MK_KNOWN(MK_STRUCT_KV_WRITE_ARGS, mk_kv_write_args, 15, is_latent),
    MK_KNOWN(MK_STRUCT_PAGED_ATTENTION_ARGS, mk_paged_attention_args, 21, window),
    MK_KNOWN(MK_STRUCT_GATE_TOPK_ARGS, mk_gate_topk_args, 13, group_score),
    MK_KNOWN(MK_STRUCT_SCATTER_ROWS_ARGS, mk_scatter_rows_args, 6, in_stride),
    MK_KNOWN(MK_STRUCT_GROUPED_FFN_ARGS, mk_grouped_ffn_args, 6, reserved),
    MK_KNOWN(MK_STRUCT_COMBINE_ARGS, mk_combine_args, 9, stride),
    MK_KNOWN(MK_STRUCT_LOG_SUM_EXP_ARGS, mk_log_sum_exp_args, 8, reserved),
    MK_KNOWN(MK_STRUCT_LAYERNORM_ARGS, mk_layernorm_args, 8, epsilon),
    MK_KNOWN(MK_STRUCT_CLAMP_ARGS, mk_clamp_args, 5, limit),
    MK_KNOWN(MK_STRUCT_GEMM_HEADS_ARGS, mk_gemm_heads_args, 9, out_head_stride),
    MK_KNOWN(MK_STRUCT_EXPERTS_SHAPE, mk_experts_shape, 7, limit),
};
#undef MK_KNOWN
static_assert(std::size(kKnown) == MK_STRUCT_COUNT);

TEST(StructLayout, EveryStruct_HasItsSizeAndAllItsFields) {
  for (const Known& known : kKnown) {
    uint32_t offsets[32] = {}, fields = 0;
    EXPECT_EQ(mk_struct_layout(known.id, offsets, 32, &fields), known.bytes) << known.id;
    ASSERT_EQ(fields, known.fields) << known.id;
    EXPECT_EQ(offsets[0], 0u) << known.id;
    // Fields without gaps wider than their alignment can hide none.
    for (uint32_t i = 1; i < fields; ++i) {
      EXPECT_GT(offsets[i], offsets[i - 1]) << known.id << ", field " << i;
      EXPECT_LE(offsets[i] - offsets[i - 1], known.id == MK_STRUCT_EXPERT_MATRICES  ? sizeof(mk_matrix)
                                             : known.id == MK_STRUCT_CONTEXT_CONFIG ? 32u
                                                                                    : 8u);
    }
    EXPECT_EQ(offsets[fields - 1], known.last_field) << known.id;
  }
}

TEST(StructLayout, CapacityAndNulls_AreRespected) {
  uint32_t offsets[2] = {99, 99};
  EXPECT_EQ(mk_struct_layout(MK_STRUCT_CLAMP_ARGS, offsets, 1, nullptr), sizeof(mk_clamp_args));
  EXPECT_EQ(offsets[0], 0u);
  EXPECT_EQ(offsets[1], 99u);
  EXPECT_EQ(mk_struct_layout(MK_STRUCT_CLAMP_ARGS, nullptr, 8, nullptr), sizeof(mk_clamp_args));
  EXPECT_EQ(mk_struct_layout(-1, offsets, 2, nullptr), 0u);
  EXPECT_EQ(mk_struct_layout(MK_STRUCT_COUNT, offsets, 2, nullptr), 0u);
  EXPECT_EQ(mk_abi_version(), MK_ABI_VERSION);
}

}  // namespace
}  // namespace mk::test

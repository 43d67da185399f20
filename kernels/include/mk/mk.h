/*
 * mk.h: the mathematics of a token's life, behind a C ABI.
 *
 * What holds for every operation:
 *  - A row's result depends only on that row's inputs and the weights: never on how many rows travel with it, on the number of threads, or on
 *    which CPU backend runs. Every output element is one chain of fused multiply-adds in ascending order of the reduced index (or the
 *    fixed 16-lane order that the operation states), so the CPU backends agree with each other bit for bit.
 *  - exp (in softmax, silu, sigmoid and log-sum-exp) is the library's own: the same fma polynomial in every backend, within 1 ulp, 0 where the result
 *    would be subnormal. Division and square root are IEEE's. "Sixteen lanes" means: lane = index mod 16, each lane ascending, then the lanes fold
 *    8+8, 4+4, 2+2, 1+1. Inputs that are not finite give results that are not, and never a wild address.
 *  - Matrices are row-major. `*_stride` is in elements of the matrix' own type, and at least the row's length.
 *  - Pointers are addresses on the context's device; on a CPU context they are host addresses. Nothing is retained after the call returns,
 *    except by the pack functions' results.
 *  - CPU contexts run an operation before the call returns and ignore the stream. On an accelerator, operations of one stream run in
 *    order and the call only enqueues; mk_stream_wait waits. NULL names the context's default stream.
 *  - One thread at a time may use a context (a node's loop thread). Different contexts are independent.
 *  - No operation allocates after the first call with its largest shape; none logs, locks or makes a system call except to wake its own threads.
 *  - Zero rows is legal everywhere and does nothing.
 *  - Arguments are checked (nulls, shapes, ranges) where the check costs nothing per element; a failed check is MK_INVALID and writes nothing.
 */
#ifndef MK_H
#define MK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MK_ABI_VERSION 1u
#define MK_API __attribute__((visibility("default")))

typedef enum {
  MK_OK = 0,
  MK_INVALID = -1,     /* an argument is out of its contract; the text names it */
  MK_UNSUPPORTED = -2, /* this backend lacks the operation or the type; never a slow path in silence */
  MK_NO_MEMORY = -3,
  MK_INTERNAL = -4
} mk_status;

typedef enum { MK_F32 = 0, MK_BF16 = 1, MK_F16 = 2 } mk_dtype;

typedef enum {
  MK_BACKEND_AUTO = 0,
  MK_BACKEND_REFERENCE = 1,
  MK_BACKEND_AVX2 = 2,
  MK_BACKEND_AVX512 = 3,
  MK_BACKEND_CUDA = 4
} mk_backend;

typedef struct mk_context mk_context; /* a device with its threads and scratch memory */
typedef struct mk_stream mk_stream;   /* an order of work on a context */
typedef struct mk_weight mk_weight;   /* a matrix packed for mk_gemm */
typedef struct mk_experts mk_experts; /* the packed experts that one node holds of one layer */

/* ---- library ---- */

MK_API uint32_t mk_abi_version(void);
/* This thread's text for its last failed call; "" if none. Valid until the thread's next mk call. */
MK_API const char* mk_last_error(void);

/* The structs of this header, for callers in other languages that must agree on their layout. */
typedef enum {
  MK_STRUCT_CONTEXT_CONFIG = 0,
  MK_STRUCT_MATRIX = 1,
  MK_STRUCT_EXPERT_MATRICES = 2,
  MK_STRUCT_EMBED_ARGS = 3,
  MK_STRUCT_RMSNORM_ARGS = 4,
  MK_STRUCT_GEMM_ARGS = 5,
  MK_STRUCT_ROPE_ARGS = 6,
  MK_STRUCT_KV_WRITE_ARGS = 7,
  MK_STRUCT_PAGED_ATTENTION_ARGS = 8,
  MK_STRUCT_GATE_TOPK_ARGS = 9,
  MK_STRUCT_SCATTER_ROWS_ARGS = 10,
  MK_STRUCT_GROUPED_FFN_ARGS = 11,
  MK_STRUCT_COMBINE_ARGS = 12,
  MK_STRUCT_LOG_SUM_EXP_ARGS = 13,
  MK_STRUCT_COUNT = 14
} mk_struct_id;

/* Returns the byte size of a struct (0 for an unknown id). Writes the byte offsets of its first `capacity` fields, in order of declaration, to
 * `offsets` (NULL: none) and the number of its fields to `fields` (NULL: not). */
MK_API uint32_t mk_struct_layout(int32_t struct_id, uint32_t* offsets, uint32_t capacity, uint32_t* fields);

/* ---- context ---- */

typedef struct {
  uint32_t struct_bytes; /* sizeof(mk_context_config): compared with the library's own */
  int32_t backend;       /* mk_backend; AUTO takes the best this CPU has */
  int32_t device_index;  /* 0 on CPU */
  int32_t thread_count;  /* threads that compute, the calling one included; 0: one per core of the core set */
  uint64_t core_mask[4]; /* cores the threads may use, bit per core; all zero: the process' own set */
  uint32_t
      spin_us; /* how long an idle thread spins, then yields, before it sleeps; 0: the default (20 us of pause, 200 us of yield) */
  uint32_t reserved;
} mk_context_config;

MK_API mk_status mk_context_create(const mk_context_config* config, mk_context** out);
MK_API void mk_context_destroy(mk_context* context);
/* "reference", "avx2", "avx512". */
MK_API const char* mk_context_backend(const mk_context* context);
/* Two contexts with the same text give the same bits: "cpu-fma-1" for every CPU backend of this version of the formulas. */
MK_API const char* mk_context_numerics(const mk_context* context);
MK_API int32_t mk_context_threads(const mk_context* context);
/* Confines the calling thread to the context's core_mask; does nothing if the mask was all zero. Worker threads are confined from birth. */
MK_API mk_status mk_context_pin_caller(mk_context* context);

MK_API mk_status mk_stream_create(mk_context* context, mk_stream** out);
MK_API void mk_stream_destroy(mk_stream* stream);
MK_API mk_status mk_stream_wait(mk_context* context, mk_stream* stream);

/* Device memory, 64-byte aligned, zeroed. Freed by mk_free of the same context. */
MK_API mk_status mk_allocate(mk_context* context, uint64_t bytes, void** out);
MK_API void mk_free(mk_context* context, void* address);
/* Between host and device memory, either way; a plain memcpy on CPU. */
MK_API mk_status mk_copy(mk_context* context, mk_stream* stream, void* destination, const void* source, uint64_t bytes);

/* ---- weights: packed once when a node loads ---- */

typedef struct {
  const void* data;   /* host memory, [rows, columns] as in the checkpoint: out_features x in_features */
  int32_t data_dtype; /* mk_dtype of data */
  int32_t rows;       /* out_features */
} mk_matrix;

/* Stacks `count` matrices of `columns` in_features each by rows (q, k and v, say) and packs them as `dtype` (F32 or BF16).
 * The sources are not needed afterwards. Narrowing F32 to BF16 rounds to nearest even. */
MK_API mk_status mk_weight_pack(mk_context* context, const mk_matrix* matrices, int32_t count, int32_t columns,
                                int32_t dtype, mk_weight** out);
MK_API void mk_weight_free(mk_weight* weight);
MK_API uint64_t mk_weight_bytes(const mk_weight* weight);

typedef struct {
  mk_matrix gate; /* [width, hidden] */
  mk_matrix up;   /* [width, hidden] */
  mk_matrix down; /* [hidden, width] */
} mk_expert_matrices;

/* Packs `count` experts of one layer. Local expert i of later calls is experts[i]. */
MK_API mk_status mk_experts_pack(mk_context* context, const mk_expert_matrices* experts, int32_t count, int32_t hidden,
                                 int32_t width, int32_t dtype, mk_experts** out);
MK_API void mk_experts_free(mk_experts* experts);
MK_API uint64_t mk_experts_bytes(const mk_experts* experts);

/* ---- operations, in the order a row meets them ---- */

typedef struct {
  const void* table;  /* [vocabulary, hidden] of table_dtype */
  const int32_t* ids; /* [rows], each in 0..vocabulary-1 (checked) */
  float* out;         /* [rows, hidden], rows contiguous */
  int32_t table_dtype;
  int32_t vocabulary;
  int32_t rows;
  int32_t hidden;
} mk_embed_args;
/* out[r] = table[ids[r]], widened to fp32. */
MK_API mk_status mk_embed(mk_context*, mk_stream*, const mk_embed_args*);

typedef struct {
  const float* in;     /* [rows, groups, width]; row stride in_stride, groups contiguous */
  const float* weight; /* [width] */
  float* out;          /* like in, row stride out_stride; may equal in */
  int32_t rows;
  int32_t groups; /* 1 for a hidden row; the head count for a norm per head */
  int32_t width;
  int32_t in_stride;
  int32_t out_stride;
  float epsilon;
} mk_rmsnorm_args;
/* out = in * (1 / sqrt(mean(in^2) + epsilon)) * weight, from left to right. The squares are summed by fma in sixteen lanes. */
MK_API mk_status mk_rmsnorm(mk_context*, mk_stream*, const mk_rmsnorm_args*);

typedef struct {
  const float* in;         /* [rows, columns of the weight] */
  const mk_weight* weight; /* packed [out_features, in_features] */
  const float* bias;       /* [out_features] or NULL */
  const float* residual;   /* [rows, out_features] or NULL; may equal out */
  float* out;              /* [rows, out_features] */
  int32_t rows;
  int32_t in_stride;
  int32_t residual_stride;
  int32_t out_stride;
} mk_gemm_args;
/* out = in x weight^T (one fma chain over in_features, ascending, from 0), then + bias, then + residual. Also the LM head's logits. */
MK_API mk_status mk_gemm(mk_context*, mk_stream*, const mk_gemm_args*);

typedef struct {
  float* rows_data;         /* [rows, heads, head_dim], row stride `stride`; rotated in place */
  const int32_t* positions; /* [rows], 0-based */
  const float*
      cosine_sine; /* [context, rotary_dim]: cos then sin of each position's rotary_dim/2 angles, made by the caller */
  int32_t rows;
  int32_t heads;
  int32_t head_dim;
  int32_t
      rotary_dim; /* even; the first rotary_dim of each head rotate, half-split pairs (i, i + rotary_dim/2) as the hub's rotate_half */
  int32_t stride;
  int32_t context; /* positions are below it (checked) */
} mk_rope_args;
/* With a, b the pair: a' = fma(a, cos, -(b * sin)), b' = fma(b, cos, a * sin). */
MK_API mk_status mk_rope(mk_context*, mk_stream*, const mk_rope_args*);

/* The KV cache of one layer is an array of blocks; a block holds `MK_KV_BLOCK_TOKENS` positions of every KV head:
 *   keys   [kv_heads][head_dim][16]   (positions are lanes, so a score tile is a column of fma chains)
 *   values [kv_heads][16][head_dim]
 * in kv_dtype (F32 or BF16); keys first. mk_kv_block_bytes gives the size of both. A block's content beyond the written positions is never read. */
#define MK_KV_BLOCK_TOKENS 16
MK_API uint64_t mk_kv_block_bytes(int32_t kv_heads, int32_t head_dim, int32_t kv_dtype);

typedef struct {
  const float* keys;              /* [rows, kv_heads, head_dim], row stride `stride` (normed and rotated) */
  const float* values;            /* [rows, kv_heads, head_dim], row stride `stride` */
  void* cache;                    /* this layer's blocks: [block_count] x mk_kv_block_bytes */
  const int32_t* block_tables;    /* [sequences, block_table_stride]: block index of each 16 positions */
  const int32_t* sequence_of_row; /* [rows] -> row of block_tables */
  const int32_t* positions;       /* [rows] */
  int32_t rows;
  int32_t stride;
  int32_t kv_heads;
  int32_t head_dim;
  int32_t kv_dtype;
  int32_t block_count; /* every block index used is below it (checked) */
  int32_t sequences;
  int32_t block_table_stride;
} mk_kv_write_args;
/* Stores each row's key and value at its position, rounded to kv_dtype (BF16: to nearest, ties to even). No two rows share a place. */
MK_API mk_status mk_kv_write(mk_context*, mk_stream*, const mk_kv_write_args*);

typedef struct {
  const float* queries; /* [rows, heads, head_dim], row stride query_stride */
  float* out;           /* [rows, heads, head_dim], row stride out_stride */
  const void* cache;
  const int32_t* block_tables;
  const int32_t* sequence_of_row;
  const int32_t* positions; /* row r attends to positions 0..positions[r] of its sequence, all already written */
  int32_t rows;
  int32_t query_stride;
  int32_t out_stride;
  int32_t heads; /* query head h reads KV head h / (heads / kv_heads) */
  int32_t kv_heads;
  int32_t head_dim;
  int32_t kv_dtype;
  int32_t block_count;
  int32_t sequences;
  int32_t block_table_stride;
  float scale; /* multiplies the scores */
} mk_paged_attention_args;
/* softmax(scale * q k^T) v over fixed tiles of 16 positions counted from 0, running maximum and sum per row; K and V are always read from the cache
 * (so after rounding), the row's own position included. Prefill and decode are this one function. For each tile in order, with m the running maximum:
 *   score[j] = (fma chain over head_dim of q * k[j]) * scale;  m' = max(m, scores);  c = exp(m - m') (1 for the first tile)
 *   p[j] = exp(score[j] - m');  sum = fma(sum, c, p summed in sixteen lanes);  out = out * c, then fma(p[j], v[j], out) for j ascending
 * and at the end out = out * (1 / sum). Positions of a tile beyond the row's own take no part and are not read. head_dim is at most 1024. */
MK_API mk_status mk_paged_attention(mk_context*, mk_stream*, const mk_paged_attention_args*);

typedef enum { MK_ROUTER_SOFTMAX = 0, MK_ROUTER_SIGMOID = 1 } mk_router_kind;

typedef struct {
  const float* logits;     /* [rows, experts] from mk_gemm with the router's weight */
  const float* correction; /* [experts] added for selection only, or NULL */
  int32_t* experts_out;    /* [rows, top_k], ascending expert index within a row */
  float* weights_out;      /* [rows, top_k], in the same order */
  int32_t rows;
  int32_t experts;     /* at most 4096 */
  int32_t top_k;       /* 1..experts, at most 64 */
  int32_t router_kind; /* mk_router_kind */
  int32_t normalize;   /* 1: chosen weights divided by their sum (softmax first over all experts) */
  int32_t groups;      /* 1, or group-limited selection */
  int32_t top_groups;
  float scaling; /* multiplies the weights at the end; 1 for most models */
} mk_gate_topk_args;
/* Scores: exp(logit - maximum) / (their sum in sixteen lanes), or 1 / (1 + exp(-logit)). The top_k greatest of score + correction are chosen; ties go to
 * the lower expert index, what is not a number comes last. Weights: score, / (the chosen scores summed in ascending expert index) if normalize, *
 * scaling. groups > 1 is MK_UNSUPPORTED until a family needs it. */
MK_API mk_status mk_gate_topk(mk_context*, mk_stream*, const mk_gate_topk_args*);

typedef struct {
  const float* in;          /* [.., hidden], row stride in_stride */
  const int32_t* row_index; /* [rows]: which row of in */
  float* out;               /* [rows, hidden] contiguous: usually a peer's M2N slot, so rows are produced in place */
  int32_t rows;
  int32_t hidden;
  int32_t in_stride;
} mk_scatter_rows_args;
MK_API mk_status mk_scatter_rows(mk_context*, mk_stream*, const mk_scatter_rows_args*);

typedef struct {
  const mk_experts* experts;
  const int32_t*
      offsets; /* [local experts + 1]: pairs of local expert i are offsets[i] .. offsets[i+1]-1; offsets[0] = 0 */
  const float* const* row_of_pair; /* [pairs] -> that pair's input row [hidden] */
  float* const* out_of_pair; /* [pairs] -> where its result row [hidden] goes; distinct, not overlapping any input */
  int32_t pairs;
  int32_t reserved;
} mk_grouped_ffn_args;
/* For each pair: down(silu(gate(row)) * up(row)), unweighted, fp32; products as in mk_gemm, silu(x) = x / (1 + exp(-x)). Each expert's weights are streamed once per call. */
MK_API mk_status mk_grouped_ffn(mk_context*, mk_stream*, const mk_grouped_ffn_args*);

typedef struct {
  const float* const* result_of_pair; /* [rows * top_k]: the expert's row for (row, k), k in ascending expert index */
  const float* weights;               /* [rows, top_k] */
  float* residual;                    /* [rows, hidden], row stride `stride`; added to in place */
  int32_t rows;
  int32_t hidden;
  int32_t top_k;
  int32_t stride;
} mk_combine_args;
/* residual += sum over k ascending of weights[k] * result[k]; the sum starts at 0 and is one fma chain, then one addition. */
MK_API mk_status mk_combine(mk_context*, mk_stream*, const mk_combine_args*);

typedef struct {
  const float* logits; /* [rows, vocabulary], row stride `stride` */
  float* maximum;      /* [rows] */
  double* log_sum_exp; /* [rows]: maximum + log(sum of exp(logit - maximum)): log-probability = logit - log_sum_exp */
  int32_t rows;
  int32_t vocabulary;
  int32_t stride;
  int32_t reserved;
} mk_log_sum_exp_args;
/* The terms are fp32, their sum is double, in sixteen lanes; the logarithm is double and the library's own. A maximum of zeros is +0. */
MK_API mk_status mk_log_sum_exp(mk_context*, mk_stream*, const mk_log_sum_exp_args*);

#ifdef __cplusplus
}
#endif
#endif

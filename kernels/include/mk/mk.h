/*
 * mk.h: the mathematics of a token's life, behind a C ABI. Long because a reader should find every operation and every formula in one place.
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

#define MK_ABI_VERSION 6u
#define MK_API __attribute__((visibility("default")))

typedef enum {
  MK_OK = 0,
  MK_INVALID = -1,     /* an argument is out of its contract; the text names it */
  MK_UNSUPPORTED = -2, /* this backend lacks the operation or the type; never a slow path in silence */
  MK_NO_MEMORY = -3,
  MK_INTERNAL = -4
} mk_status;

typedef enum {
  MK_F32 = 0,
  MK_BF16 = 1,
  MK_F16 = 2,
  MK_F8_E4M3 =
      3, /* one byte: sign, 4 bits of exponent (bias 7), 3 of mantissa, no infinities; a scale for each block of the matrix */
  MK_MXFP4 = 4, /* half a byte: sign, 2 bits of exponent, 1 of mantissa; a power of two for each 32 in_features */
  MK_INT8 = 5,  /* packed weights only: a byte -127..127 and an fp16 scale for each 32 in_features of an out_feature */
  MK_INT4 = 6   /* the same with half a byte, -8..7 */
} mk_dtype;

typedef enum {
  MK_BACKEND_AUTO = 0,
  MK_BACKEND_REFERENCE = 1,
  MK_BACKEND_AVX2 = 2,
  MK_BACKEND_AVX512 = 3,
  MK_BACKEND_CUDA = 4,
  MK_BACKEND_AVX512_VNNI = 5,
  MK_BACKEND_AVX512_BF16 = 6
} mk_backend;

typedef struct mk_context mk_context; /* a device with its threads and scratch memory */
typedef struct mk_stream mk_stream;   /* an order of work on a context */
typedef struct mk_graph mk_graph;     /* recorded operations of an accelerator, run as one */
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
  MK_STRUCT_LAYERNORM_ARGS = 14,
  MK_STRUCT_CLAMP_ARGS = 15,
  MK_STRUCT_GEMM_HEADS_ARGS = 16,
  MK_STRUCT_EXPERTS_SHAPE = 17,
  MK_STRUCT_COUNT = 18
} mk_struct_id;

/* Returns the byte size of a struct (0 for an unknown id). Writes the byte offsets of its first `capacity` fields, in order of declaration, to
 * `offsets` (NULL: none) and the number of its fields to `fields` (NULL: not). */
MK_API uint32_t mk_struct_layout(int32_t struct_id, uint32_t* offsets, uint32_t capacity, uint32_t* fields);

/* ---- context ---- */

typedef struct {
  uint32_t struct_bytes; /* sizeof(mk_context_config): compared with the library's own */
  int32_t backend;       /* mk_backend; AUTO takes the best this CPU has */
  int32_t device_index;  /* 0 on CPU */
  int32_t thread_count;  /* threads that compute, the calling one included; 0: one per core of the core set. As many as cores: each has one of its own */
  uint64_t core_mask[4]; /* cores the threads may use, bit per core; all zero: the process' own set */
  uint32_t
      spin_us; /* how long an idle thread spins, then yields, before it sleeps; 0: the default (20 us of pause, 1 ms of yield) */
  uint32_t reserved;
} mk_context_config;

MK_API mk_status mk_context_create(const mk_context_config* config, mk_context** out);
MK_API void mk_context_destroy(mk_context* context);
/* "reference", "avx2", "avx512", "avx512vnni", "avx512bf16", "cuda". */
MK_API const char* mk_context_backend(const mk_context* context);
/* Two contexts with the same text give the same bits: "cpu-fma-2" for every CPU backend of this version of the formulas; of a GPU its name and driver too. */
MK_API const char* mk_context_numerics(const mk_context* context);
/* How much faster the context's instructions multiply with BF16 weights than with F32 ones, from registers: about 2 where it uses the instruction for pairs of bf16 (measured
 * once in a process), else 1. Measurements' floors need it. */
MK_API double mk_context_bf16_gain(const mk_context* context);
MK_API int32_t mk_context_threads(const mk_context* context);
/* Confines the calling thread to the core that the context has for it, or to its core_mask; does nothing if it has neither. Worker threads are confined from birth. */
MK_API mk_status mk_context_pin_caller(mk_context* context);

MK_API mk_status mk_stream_create(mk_context* context, mk_stream** out);
MK_API void mk_stream_destroy(mk_stream* stream);
MK_API mk_status mk_stream_wait(mk_context* context, mk_stream* stream);

/* On an accelerator: between these calls the stream's operations are recorded instead of run, with the addresses and shapes they were given (what the
 * addresses hold is read when the recording runs). Only operations and mk_copy may be recorded, and each must have run once before with its shape. MK_UNSUPPORTED
 * on a CPU context. A recording runs any number of times, on any stream of its context. */
MK_API mk_status mk_record_begin(mk_context* context, mk_stream* stream);
MK_API mk_status mk_record_end(mk_context* context, mk_stream* stream, mk_graph** out);
MK_API mk_status mk_graph_run(mk_context* context, mk_stream* stream, const mk_graph* graph);
MK_API void mk_graph_free(mk_graph* graph);

/* Device memory, 64-byte aligned, zeroed. Freed by mk_free of the same context. */
MK_API mk_status mk_allocate(mk_context* context, uint64_t bytes, void** out);
MK_API void mk_free(mk_context* context, void* address);
/* Host memory that the device reads and writes too, zeroed; the same as mk_allocate on a CPU context. For what the host fills every step. */
MK_API mk_status mk_allocate_host(mk_context* context, uint64_t bytes, void** out);
MK_API void mk_free_host(mk_context* context, void* address);
/* Device memory, zeroed, that other processes of this host can map into their contexts: mk_exportable_open gives a descriptor, which the caller closes, and
 * mk_exportable_map takes one, with the bytes asked for at the allocation. MK_INVALID: the descriptor is of anything else. Each is freed by mk_exportable_free, from
 * any thread; the memory lives until the last has gone, whoever ends first. Contexts of both processes are of CPUs, or of GPUs that reach each other's memory. */
MK_API mk_status mk_exportable_allocate(mk_context* context, uint64_t bytes, void** out);
MK_API mk_status mk_exportable_open(mk_context* context, const void* address, int32_t* file);
MK_API mk_status mk_exportable_map(mk_context* context, int32_t file, uint64_t bytes, void** out);
MK_API void mk_exportable_free(mk_context* context, void* address);
/* Between host and device memory, either way; a plain memcpy on CPU. */
MK_API mk_status mk_copy(mk_context* context, mk_stream* stream, void* destination, const void* source, uint64_t bytes);

/* ---- weights: packed once when a node loads ---- */

/* A matrix in host memory, out_features x in_features, as the checkpoint has it: element (r, c) lies at data[r * row_stride + c * column_stride], so a
 * transposed or interleaved matrix, or a part of one, is read where it is. Quantised types have a scale for each block of block_rows x block_columns
 * elements: scales[(scale_row + r) / block_rows * scale_row_stride + (scale_column + c) / block_columns * scale_column_stride], where scale_row and
 * scale_column say where the matrix begins within its first block.
 *   F8_E4M3: scales are float; the weight is fp8 * scale, one fp32 multiplication.
 *   MXFP4: scales are uint8_t e, 0..254; the weight is fp4 * 2^(e - 127), exact. Two elements share a byte, the one with the lower column in its lower half:
 *          row_stride counts elements and is even, column_stride is 1.
 * Codes that are not numbers (0x7f and 0xff of F8_E4M3, a scale of 255) are refused. */
typedef struct {
  const void* data;
  const void* scales;          /* NULL for F32, BF16 and F16 */
  int64_t row_stride;          /* elements; 0: the number of columns */
  int64_t column_stride;       /* elements; 0: 1 */
  int64_t scale_row_stride;    /* scales from one block of rows to the next */
  int64_t scale_column_stride; /* scales from one block of columns to the next */
  int32_t block_rows;          /* 0 for F32, BF16 and F16 */
  int32_t block_columns;
  int32_t scale_row;    /* 0 .. block_rows-1 */
  int32_t scale_column; /* 0 .. block_columns-1 */
  int32_t data_dtype;   /* mk_dtype of data */
  int32_t rows;         /* out_features */
} mk_matrix;

/* Stacks `count` matrices of `columns` in_features each by rows (q, k and v, say) and packs them as `dtype`: F32 or BF16 from any type (narrowing rounds to
 * nearest even), F8_E4M3 from F8_E4M3 and MXFP4 from MXFP4, bit for bit. Packed F8_E4M3 keeps one scale for an out_feature and 128 in_features from 0, MXFP4 one for
 * 32: where a source's blocks do not fit these (a matrix that begins in the middle of a block of columns), the call is MK_UNSUPPORTED and the caller packs F32.
 * INT8 and INT4 are quantised here, from any type (elements must be finite): see kernels/src/quantise.h. The sources are not needed afterwards. */
MK_API mk_status mk_weight_pack(mk_context* context, const mk_matrix* matrices, int32_t count, int32_t columns,
                                int32_t dtype, mk_weight** out);
MK_API void mk_weight_free(mk_weight* weight);
MK_API uint64_t mk_weight_bytes(const mk_weight* weight);

typedef enum {
  MK_SWIGLU = 0,        /* silu(g) * u */
  MK_SWIGLU_CLAMPED = 1 /* g = min(g, limit), u = max(min(u, limit), -limit): (g / (1 + exp(-(alpha * g)))) * (u + 1) */
} mk_activation;

typedef struct {
  mk_matrix gate;         /* [width, hidden] */
  mk_matrix up;           /* [width, hidden] */
  mk_matrix down;         /* [hidden, width] */
  const float* gate_bias; /* [width] or NULL; host memory, copied */
  const float* up_bias;   /* [width]; NULL exactly where gate_bias is */
  const float* down_bias; /* [hidden] or NULL */
} mk_expert_matrices;

typedef struct {
  int32_t count; /* experts */
  int32_t hidden;
  int32_t width;
  int32_t dtype;      /* packed as, see mk_weight_pack */
  int32_t activation; /* mk_activation */
  float alpha;        /* MK_SWIGLU_CLAMPED only */
  float limit;        /* MK_SWIGLU_CLAMPED only; positive */
} mk_experts_shape;

/* Packs the experts of one layer. Local expert i of later calls is experts[i]. All or none have a bias. */
MK_API mk_status mk_experts_pack(mk_context* context, const mk_experts_shape* shape, const mk_expert_matrices* experts,
                                 mk_experts** out);
MK_API void mk_experts_free(mk_experts* experts);
MK_API uint64_t mk_experts_bytes(const mk_experts* experts);

/* What packing made, as bytes to keep (mk_weight_bytes and mk_experts_bytes of them), so that the next load need not pack again. They are the same for every CPU backend with this
 * MK_PACKED_LAYOUT. NULL on an accelerator. */
#define MK_PACKED_LAYOUT 2u
MK_API const void* mk_weight_data(const mk_weight* weight);
MK_API const void* mk_experts_data(const mk_experts* experts);
/* Of those bytes, to find damage by chance; the same in every build with this MK_PACKED_LAYOUT. 0 on an accelerator. */
MK_API uint64_t mk_weight_checksum(const mk_weight* weight);
MK_API uint64_t mk_experts_checksum(const mk_experts* experts);
/* The same weight from an open file that begins with such bytes: as good as what made them, so whoever keeps them checks that they are still what they were (mk_weight_checksum). A large weight is mapped, not copied, and needs the file unchanged, open or not, until it has settled or is freed. CPU contexts only. `rows` are out_features.
 * `has_gate_bias`: of gate and up. */
MK_API mk_status mk_weight_restore(mk_context* context, int32_t rows, int32_t columns, int32_t dtype, int32_t file,
                                   uint64_t bytes, mk_weight** out);
MK_API mk_status mk_experts_restore(mk_context* context, const mk_experts_shape* shape, int32_t has_gate_bias,
                                    int32_t has_down_bias, int32_t file, uint64_t bytes, mk_experts** out);
/* Moves the next 16 MiB of what is still the file's pages to memory on huge pages, under the same addresses: streams of it are then as fast as a packed weight's whatever pages the file has.
 * 1: more is left; 0: all is settled, or memory is short. Any thread, while operations read the weight; one call at a time for each weight. */
MK_API int32_t mk_weight_settle(mk_weight* weight);
MK_API int32_t mk_experts_settle(mk_experts* experts);

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
  const float* in;     /* [rows, width], row stride in_stride */
  const float* weight; /* [width] */
  float* out;          /* [rows, width], row stride out_stride; may equal in */
  int32_t rows;
  int32_t width;
  int32_t in_stride;
  int32_t out_stride;
  float epsilon;
} mk_layernorm_args;
/* x = in - mean(in); out = x * (1 / sqrt(mean(x^2) + epsilon)) * weight, from left to right. Both sums in sixteen lanes, the squares by fma. */
MK_API mk_status mk_layernorm(mk_context*, mk_stream*, const mk_layernorm_args*);

typedef struct {
  float* rows_data; /* [rows, width], row stride `stride`; in place */
  int32_t rows;
  int32_t width;
  int32_t stride;
  float limit; /* positive */
} mk_clamp_args;
/* Each element x becomes -limit where x < -limit, limit where x > limit. */
MK_API mk_status mk_clamp(mk_context*, mk_stream*, const mk_clamp_args*);

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
/* out = in x weight^T (one fma chain over in_features, ascending, from 0), then + bias, then + residual. Also the LM head's logits.
 * With BF16 weights rows are rounded to bf16 first (to nearest even), and in rows, weights and sums what is below 2^-126 in magnitude is zero: what instructions for bf16 do.
 * With INT8 and INT4 weights rows are quantised too, each group of 32 in_features by itself: m = its greatest magnitude, factor a = m * (1 / 127), codes q = x * (127 / m)
 * to nearest even (m below 2^-100: a and q are 0; elements that are not finite: a is not a number). For groups ascending: out = fma(dot, d * a, out), with dot the whole
 * number sum of code * q and d the weights' scale; out starts at 0. */
MK_API mk_status mk_gemm(mk_context*, mk_stream*, const mk_gemm_args*);

typedef struct {
  const float* in;                 /* [rows, heads, in_features], row stride in_stride, head stride in_head_stride */
  const mk_weight* const* weights; /* [heads], host memory: each packed [out_features, in_features], all of one shape */
  float* out; /* [rows, heads, out_features], row stride out_stride, head stride out_head_stride; not overlapping in */
  int32_t rows;
  int32_t heads;
  int32_t in_stride;
  int32_t in_head_stride;
  int32_t out_stride;
  int32_t out_head_stride;
} mk_gemm_heads_args;
/* Each head by its own weight: out[r, h] = in[r, h] x weights[h]^T, products as in mk_gemm. */
MK_API mk_status mk_gemm_heads(mk_context*, mk_stream*, const mk_gemm_heads_args*);

typedef enum {
  MK_ROPE_HALVES = 0,  /* pair i is (i, i + rotary_dim/2), as the hub's rotate_half */
  MK_ROPE_ADJACENT = 1 /* pair i is (2i, 2i + 1) */
} mk_rope_pairing;

typedef struct {
  float* rows_data;         /* [rows, heads, head_dim], row stride `stride`; rotated in place */
  const int32_t* positions; /* [rows], 0-based */
  const float*
      cosine_sine; /* [context, rotary_dim]: cos then sin of each position's rotary_dim/2 angles, made by the caller */
  int32_t rows;
  int32_t heads;
  int32_t head_dim;
  int32_t rotary_dim; /* even; the first rotary_dim of each head rotate */
  int32_t stride;
  int32_t context; /* positions are below it (checked) */
  int32_t pairing; /* mk_rope_pairing */
} mk_rope_args;
/* With a, b the pair: a' = fma(a, cos, -(b * sin)), b' = fma(b, cos, a * sin). */
MK_API mk_status mk_rope(mk_context*, mk_stream*, const mk_rope_args*);

/* The KV cache of one layer is an array of blocks; a block holds `MK_KV_BLOCK_TOKENS` positions of every KV head:
 *   keys   [kv_heads][head_dim][16]   (positions are lanes, so a score tile is a column of fma chains)
 *   values [kv_heads][16][head_dim]
 * in kv_dtype (F32 or BF16); keys first. A latent cache (multi-head latent attention) has no values of its own: a position's value is the first
 * value_dim components of its key. mk_kv_block_bytes gives the size of a block. A block's content beyond the written positions is never read. */
#define MK_KV_BLOCK_TOKENS 16
MK_API uint64_t mk_kv_block_bytes(int32_t kv_heads, int32_t head_dim, int32_t is_latent, int32_t kv_dtype);

typedef struct {
  const float* keys;              /* [rows, kv_heads, head_dim], row stride `stride` (normed and rotated) */
  const float* values;            /* [rows, kv_heads, head_dim], row stride `stride`; NULL for a latent cache */
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
  int32_t is_latent;
} mk_kv_write_args;
/* Stores each row's key and value at its position, rounded to kv_dtype (BF16: to nearest, ties to even). No two rows share a place. */
MK_API mk_status mk_kv_write(mk_context*, mk_stream*, const mk_kv_write_args*);

typedef struct {
  const float* queries; /* [rows, heads, head_dim], row stride query_stride */
  float* out;           /* [rows, heads, value_dim], row stride out_stride; not overlapping queries */
  const void* cache;
  const int32_t* block_tables;
  const int32_t* sequence_of_row;
  const int32_t* positions; /* row r attends to positions 0..positions[r] of its sequence, all already written */
  const float* sinks; /* [heads] or NULL: a score of each head that takes its share of the softmax and has no value */
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
  int32_t is_latent;
  int32_t value_dim; /* head_dim, or for a latent cache 1..head_dim */
  int32_t
      window; /* 0: none; W: row r attends to the last W positions only, its own included: from positions[r] - W + 1 on */
} mk_paged_attention_args;
/* softmax(scale * q k^T) v over fixed tiles of 16 positions counted from 0, running maximum and sum per row; K and V are always read from the cache
 * (so after rounding), the row's own position included. Prefill and decode are this one function. For each tile in order, with m the running maximum:
 *   score[j] = (fma chain over head_dim of q * k[j]) * scale;  m' = max(m, scores);  c = exp(m - m') (1 for the first tile)
 *   p[j] = exp(score[j] - m');  sum = fma(sum, c, p summed in sixteen lanes);  out = out * c, then fma(p[j], v[j], out) for j ascending
 * then, with a sink s of the head: m' = max(m, s); c = exp(m - m'); sum = fma(sum, c, exp(s - m')); out = out * c;
 * and at the end out = out * (1 / sum). Positions of a tile beyond the row's own take no part and are not read, nor do those before a window: the first
 * tile is then the one that the window begins in, its earlier positions have p = 0. head_dim is at most 1024. */
MK_API mk_status mk_paged_attention(mk_context*, mk_stream*, const mk_paged_attention_args*);

typedef enum { MK_ROUTER_SOFTMAX = 0, MK_ROUTER_SIGMOID = 1 } mk_router_kind;
typedef enum {
  MK_GROUP_MAXIMUM = 0, /* a group's score is its greatest score + correction */
  MK_GROUP_TOP_TWO = 1  /* the greatest plus the second greatest (the greatest alone in a group of one) */
} mk_group_score;

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
  int32_t groups;      /* 1, or group-limited selection: a divisor of experts; neighbours form a group */
  int32_t top_groups;  /* 1..groups; top_groups groups hold at least top_k experts */
  float scaling;       /* multiplies the weights at the end; 1 for most models */
  int32_t group_score; /* mk_group_score; read where groups > 1 */
} mk_gate_topk_args;
/* Scores: exp(logit - maximum) / (their sum in sixteen lanes), or 1 / (1 + exp(-logit)). The top_k greatest of score + correction are chosen; ties go to
 * the lower expert index, what is not a number comes last. With groups, only experts of the top_groups groups of greatest score may be chosen (ties go to the
 * lower group). Weights: score, / (the chosen scores summed in ascending expert index) if normalize, * scaling. */
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
/* For each pair: down(activation(gate(row) + gate_bias, up(row) + up_bias)) + down_bias, unweighted, fp32; products as in mk_gemm, silu(x) = x / (1 + exp(-x)).
 * Each expert's weights are streamed once per call. Dense layers and shared experts are one expert that every row visits. */
MK_API mk_status mk_grouped_ffn(mk_context*, mk_stream*, const mk_grouped_ffn_args*);

typedef struct {
  const float* const* result_of_pair; /* [rows * top_k]: the expert's row for (row, k), k in ascending expert index */
  const float* weights;               /* [rows, top_k] */
  const float* shared;        /* [rows, hidden] contiguous: the shared expert's rows, or a dense layer's; or NULL */
  const float* shared_logits; /* [rows]: the shared row's weight is 1 / (1 + exp(-logit)); NULL: 1 */
  float* residual;            /* [rows, hidden], row stride `stride`; added to in place */
  int32_t rows;
  int32_t hidden;
  int32_t top_k; /* 0 only with shared */
  int32_t stride;
} mk_combine_args;
/* residual += sum over k ascending of weights[k] * result[k], then the shared row times its weight; the sum starts at 0 and is one fma chain, then one addition. */
MK_API mk_status mk_combine(mk_context*, mk_stream*, const mk_combine_args*);

typedef struct {
  const float* logits; /* [rows, vocabulary], row stride `stride` */
  float* maximum;      /* [rows] */
  double* log_sum_exp; /* [rows]: maximum + log(sum of exp(logit - maximum)): log-probability = logit - log_sum_exp */
  int32_t*
      best; /* [rows] or NULL: the lowest index of a logit that equals the maximum; -1 where log_sum_exp is no number */
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

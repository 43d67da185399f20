// The paged KV cache: writing rows, and attention of any shape and type over it. Work is cut at fixed positions, so a row's bits depend on its own positions only.
#pragma once

#include "bounds.h"
#include "cuda/jobs.h"
#include "numbers.h"

namespace mk::device {

using namespace mk::cuda;

constexpr int kBlockTokens = MK_KV_BLOCK_TOKENS;

MK_DEVICE bool find_place(const int32_t* sequence_of_row, const int32_t* positions, int sequences, int table_stride,
                          int row, int32_t& sequence, int32_t& position, Status* status) {
  sequence = sequence_of_row[row];
  position = positions[row];
  if (sequence < 0 || sequence >= sequences) {
    if (thread_x() == 0) report(status, kBadSequence);
    return false;
  }
  if (position < 0 || position >= table_stride * kBlockTokens) {
    if (thread_x() == 0) report(status, kBadPosition);
    return false;
  }
  return true;
}

MK_DEVICE void store_as(void* data, int64_t index, float value, int dtype) {
  if (dtype == MK_F32)
    static_cast<float*>(data)[index] = value;
  else
    static_cast<uint16_t*>(data)[index] = float_to_bf16(value);
}

// Elements of a block of the cache.
MK_DEVICE int64_t block_elements(int kv_heads, int head_dim, int is_latent) {
  return static_cast<int64_t>(is_latent != 0 ? 1 : 2) * kv_heads * head_dim * kBlockTokens;
}

MK_KERNEL mk_kv_write_kernel(mk_kv_write_args args, Status* status) {
  begin_kernel();
  int32_t sequence, position;
  if (!find_place(args.sequence_of_row, args.positions, args.sequences, args.block_table_stride, block_x(), sequence,
                  position, status))
    return;
  const int32_t block =
      args.block_tables[static_cast<int64_t>(sequence) * args.block_table_stride + position / kBlockTokens];
  if (block < 0 || block >= args.block_count) {
    if (thread_x() == 0) report(status, kBadBlock);
    return;
  }
  const int slot = position % kBlockTokens;
  const int width = args.kv_heads * args.head_dim;
  const int64_t keys = block * block_elements(args.kv_heads, args.head_dim, args.is_latent);
  const int64_t values = keys + static_cast<int64_t>(width) * kBlockTokens;
  const float* key_row = args.keys + static_cast<int64_t>(block_x()) * args.stride;
  for (int i = thread_x(); i < width; i += threads()) {
    store_as(args.cache, keys + static_cast<int64_t>(i) * kBlockTokens + slot, key_row[i], args.kv_dtype);
    if (args.is_latent != 0) continue;
    const int head = i / args.head_dim, dim = i % args.head_dim;
    store_as(args.cache, values + (static_cast<int64_t>(head) * kBlockTokens + slot) * args.head_dim + dim,
             args.values[static_cast<int64_t>(block_x()) * args.stride + i], args.kv_dtype);
  }
}

// ---- any shape and type: a block of 128 threads takes a row's head, tile by tile ----

constexpr int kPlainAttentionThreads = 128;

MK_KERNEL mk_attention_plain_kernel(mk_paged_attention_args args, Status* status) {
  begin_kernel();
  __shared__ float query[kMostHeadDim];
  __shared__ float scores[kBlockTokens];
  const int row = block_x(), head = block_y(), kv_head = head / (args.heads / args.kv_heads);
  int32_t sequence, position;
  if (!find_place(args.sequence_of_row, args.positions, args.sequences, args.block_table_stride, row, sequence,
                  position, status))
    return;
  const int32_t* table = args.block_tables + static_cast<int64_t>(sequence) * args.block_table_stride;
  const int begin = args.window > 0 && position - args.window + 1 > 0 ? position - args.window + 1 : 0;
  const float* q =
      args.queries + static_cast<int64_t>(row) * args.query_stride + static_cast<int64_t>(head) * args.head_dim;
  for (int i = thread_x(); i < args.head_dim; i += kPlainAttentionThreads) query[i] = q[i];
  constexpr int kMostParts = kMostHeadDim / kPlainAttentionThreads;
  float out[kMostParts];
#pragma unroll
  for (int i = 0; i < kMostParts; ++i) out[i] = 0.0f;
  float most = -infinity(), sum = 0.0f;
  const int64_t head_elements = static_cast<int64_t>(args.head_dim) * kBlockTokens;
  for (int tile = begin / kBlockTokens; tile <= position / kBlockTokens; ++tile) {
    const int32_t block = table[tile];
    if (block < 0 || block >= args.block_count) {
      if (thread_x() == 0) report(status, kBadBlock);
      return;
    }
    const int64_t keys = block * block_elements(args.kv_heads, args.head_dim, args.is_latent) + kv_head * head_elements;
    const int64_t values = keys + (args.is_latent != 0 ? 0 : args.kv_heads * head_elements);
    // Eight threads share a position.
    const int token = thread_x() / 8, part = thread_x() % 8, at = tile * kBlockTokens + token;
    const bool is_seen = at >= begin && at <= position;
    float score = 0.0f;
    sync_block();
    if (is_seen) {
      for (int d = part; d < args.head_dim; d += 8)
        score = fused(query[d],
                      load_as_float(args.cache, keys + static_cast<int64_t>(d) * kBlockTokens + token, args.kv_dtype),
                      score);
    }
#pragma unroll
    for (int mask = 4; mask > 0; mask /= 2) score = score + shuffle_xor(score, mask);
    if (part == 0) scores[token] = is_seen ? score * args.scale : -infinity();
    sync_block();
    float now = most;
#pragma unroll
    for (int j = 0; j < kBlockTokens; ++j) now = greater(scores[j], now);
    const float correction = exp_of(most - now);
    float p[kBlockTokens], tile_sum = 0.0f;
#pragma unroll
    for (int j = 0; j < kBlockTokens; ++j) {
      p[j] = exp_of(scores[j] - now);
      tile_sum = tile_sum + p[j];
    }
    sum = fused(sum, correction, tile_sum);
    most = now;
#pragma unroll
    for (int i = 0; i < kMostParts; ++i) {
      const int d = thread_x() + i * kPlainAttentionThreads;
      if (d >= args.value_dim) break;
      out[i] = out[i] * correction;
#pragma unroll
      for (int j = 0; j < kBlockTokens; ++j) {
        const int seen = tile * kBlockTokens + j;
        if (seen < begin || seen > position) continue;
        const int64_t where = args.is_latent != 0 ? keys + static_cast<int64_t>(d) * kBlockTokens + j
                                                  : values + static_cast<int64_t>(j) * args.head_dim + d;
        out[i] = fused(p[j], load_as_float(args.cache, where, args.kv_dtype), out[i]);
      }
    }
  }
  if (args.sinks != nullptr) {
    const float sink = args.sinks[head], now = greater(sink, most), correction = exp_of(most - now);
    sum = fused(sum, correction, exp_of(sink - now));
#pragma unroll
    for (int i = 0; i < kMostParts; ++i) out[i] = out[i] * correction;
  }
  const float share = 1.0f / sum;
  float* to = args.out + static_cast<int64_t>(row) * args.out_stride + static_cast<int64_t>(head) * args.value_dim;
#pragma unroll
  for (int i = 0; i < kMostParts; ++i) {
    const int d = thread_x() + i * kPlainAttentionThreads;
    if (d < args.value_dim) to[d] = out[i] * share;
  }
}

}  // namespace mk::device

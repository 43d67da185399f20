// Attention over bf16 caches of head_dim 64 and 128 on the tensor cores.
// A block takes a row's group of query heads (the instruction's 16 rows), one KV head and one split; its warps take the split's tiles in turn, each with
// stages of its own, and are added in order at the end.
#pragma once

#include "paged_cache.cuh"

namespace mk::device {

template <int kHeadDim>
struct AttentionShape {
  static constexpr int kPartBytes = kHeadDim * kBlockTokens * 2;  // keys, or values, of a tile
  static constexpr int kStageBytes = 2 * kPartBytes;
  static constexpr int kSteps = kHeadDim / 16;
};

template <int kHeadDim>
MK_DEVICE void ask_tile(uint32_t stage, const char* keys, const char* values) {
  using Shape = AttentionShape<kHeadDim>;
#pragma unroll
  for (int i = 0; i < Shape::kPartBytes / 16 / kWarp; ++i) {
    const int chunk = i * kWarp + lane_id();
    const int dim = chunk / 2;
    copy_async_16(stage + dim * 32 + (((chunk % 2) ^ (dim / 4 % 2)) * 16), keys + chunk * 16);
    const int token = chunk / (kHeadDim / 8), part = chunk % (kHeadDim / 8);
    copy_async_16(stage + Shape::kPartBytes + token * kHeadDim * 2 + ((part ^ (token & 7)) * 16), values + chunk * 16);
  }
}

// Values of tokens outside [first, last] become zero: what was never written may be anything.
template <int kHeadDim>
MK_DEVICE void clear_values(char* values, int first, int last) {
  for (int i = lane_id(); i < kBlockTokens * kHeadDim / 2; i += kWarp) {
    const int token = i / (kHeadDim / 2);
    if (token < first || token > last) reinterpret_cast<uint32_t*>(values)[i] = 0;
  }
}

struct RowState {
  float most[2];  // of instruction rows g and g + 8
  float sum[2];
};

template <int kHeadDim>
MK_DEVICE void attend_tile(uint32_t stage, const uint32_t (&query)[kHeadDim / 16][4], float scale, int first, int last,
                           RowState& state, float (&out)[kHeadDim / 8][4]) {
  using Shape = AttentionShape<kHeadDim>;
  const int lane = lane_id();
  float scores[2][4] = {};
  const int dim = lane % 16;
#pragma unroll
  for (int step = 0; step < Shape::kSteps; ++step) {
    uint32_t b[4];
    load_matrices_transposed(b, stage + (16 * step + dim) * 32 + (((lane / 16) ^ (dim / 4 % 2)) * 16));
    multiply_add(scores[0], query[step], b[0], b[1]);
    multiply_add(scores[1], query[step], b[2], b[3]);
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float now = state.most[half];
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const int token = 8 * n + lane % 4 * 2 + j;
        float& score = scores[n][2 * half + j];
        score = token < first || token > last ? -infinity() : score * scale;
        now = greater(score, now);
      }
    }
    now = greater(shuffle_xor(now, 1), now);
    now = greater(shuffle_xor(now, 2), now);
    const float correction = exp_of(state.most[half] - now);
    float sum = 0.0f;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        float& score = scores[n][2 * half + j];
        score = exp_of(score - now);
        sum = sum + score;
      }
    }
    sum = sum + shuffle_xor(sum, 1);
    sum = sum + shuffle_xor(sum, 2);
    state.sum[half] = fused(state.sum[half], correction, sum);
    state.most[half] = now;
#pragma unroll
    for (int n = 0; n < kHeadDim / 8; ++n) {
      out[n][2 * half] = out[n][2 * half] * correction;
      out[n][2 * half + 1] = out[n][2 * half + 1] * correction;
    }
  }
  const uint32_t p[4] = {pack_bf16(scores[0][0], scores[0][1]), pack_bf16(scores[0][2], scores[0][3]),
                         pack_bf16(scores[1][0], scores[1][1]), pack_bf16(scores[1][2], scores[1][3])};
  const int token = lane % 16;
  const uint32_t values = stage + Shape::kPartBytes + token * kHeadDim * 2;
#pragma unroll
  for (int n = 0; n < kHeadDim / 16; ++n) {
    uint32_t b[4];
    load_matrices_transposed(b, values + (((2 * n + lane / 16) ^ (token & 7)) * 16));
    multiply_add(out[2 * n], p, b[0], b[1]);
    multiply_add(out[2 * n + 1], p, b[2], b[3]);
  }
}

// out * (1 / sum) after the sink: the same at the end of one split and of many.
MK_DEVICE float finish(float out, float most, float sum, const float* sinks, int head) {
  if (sinks != nullptr) {
    const float now = greater(sinks[head], most), correction = exp_of(most - now);
    sum = fused(sum, correction, exp_of(sinks[head] - now));
    out = out * correction;
  }
  return out * (1.0f / sum);
}

// Block (split, KV head, row).
template <int kHeadDim>
MK_DEVICE void attend(const AttentionJob& job, Status* status) {
  using Shape = AttentionShape<kHeadDim>;
  const mk_paged_attention_args& args = job.args;
  const int row = job.first_row + block_z(), kv_head = block_y(), split = block_x();
  const int group = args.heads / args.kv_heads, lane = lane_id(), warp = warp_id();
  int32_t sequence, position;
  if (!find_place(args.sequence_of_row, args.positions, args.sequences, args.block_table_stride, row, sequence,
                  position, status))
    return;
  const int begin = args.window > 0 && position - args.window + 1 > 0 ? position - args.window + 1 : 0;
  const int first_split = begin / kAttentionSplit, last_split = position / kAttentionSplit;
  if (split < first_split || split > last_split) return;
  const int first_tile = (split == first_split ? begin : split * kAttentionSplit) / kBlockTokens;
  const int last_tile = (split == last_split ? position : (split + 1) * kAttentionSplit - 1) / kBlockTokens;
  const int32_t* table = args.block_tables + static_cast<int64_t>(sequence) * args.block_table_stride;

  // This warp's tiles: first_tile + warp, and on in steps of the warps; lane i keeps the block of the i-th.
  const int own_first = first_tile + warp;
  const int own = own_first > last_tile ? 0 : (last_tile - own_first) / kAttentionWarps + 1;
  int block_of_lane = lane < own ? table[own_first + lane * kAttentionWarps] : 0;
  if (block_of_lane < 0 || block_of_lane >= args.block_count) {
    report(status, kBadBlock);
    block_of_lane = 0;
  }
  const int64_t head_bytes = static_cast<int64_t>(Shape::kPartBytes);
  const int64_t block_bytes = 2 * args.kv_heads * head_bytes;
  const char* cache = static_cast<const char*>(args.cache) + kv_head * head_bytes;

  uint32_t query[Shape::kSteps][4];
  const float* q =
      args.queries + static_cast<int64_t>(row) * args.query_stride + static_cast<int64_t>(kv_head) * group * kHeadDim;
#pragma unroll
  for (int step = 0; step < Shape::kSteps; ++step) {
#pragma unroll
    for (int part = 0; part < 4; ++part) {
      const int head = lane / 4 + part % 2 * 8;
      const int dim = 16 * step + lane % 4 * 2 + part / 2 * 8;
      query[step][part] = head < group ? pack_bf16(q[head * kHeadDim + dim], q[head * kHeadDim + dim + 1]) : 0;
    }
  }

  char* memory = dynamic_shared() + warp * kAttentionStages * Shape::kStageBytes;
  const uint32_t stages = shared_address(memory);
  float out[kHeadDim / 8][4];
#pragma unroll
  for (int n = 0; n < kHeadDim / 8; ++n) {
#pragma unroll
    for (int j = 0; j < 4; ++j) out[n][j] = 0.0f;
  }
  RowState state = {{-infinity(), -infinity()}, {0.0f, 0.0f}};
#pragma unroll
  for (int i = 0; i < kAttentionStages - 1; ++i) {
    if (i < own) {
      const char* at = cache + shuffle_index(block_of_lane, i) * block_bytes;
      ask_tile<kHeadDim>(stages + i * Shape::kStageBytes, at, at + args.kv_heads * head_bytes);
    }
    copy_async_commit();
  }
  for (int i = 0; i < own; ++i) {
    copy_async_wait<kAttentionStages - 2>();
    sync_warp();
    const int ahead = i + kAttentionStages - 1;
    if (ahead < own) {
      const char* at = cache + shuffle_index(block_of_lane, ahead) * block_bytes;
      ask_tile<kHeadDim>(stages + ahead % kAttentionStages * Shape::kStageBytes, at, at + args.kv_heads * head_bytes);
    }
    copy_async_commit();
    const int tile = own_first + i * kAttentionWarps;
    const int first = begin - tile * kBlockTokens, last = position - tile * kBlockTokens;
    const int stage = i % kAttentionStages * Shape::kStageBytes;
    if (first > 0 || last < kBlockTokens - 1) {
      clear_values<kHeadDim>(memory + stage + Shape::kPartBytes, first, last);
      sync_warp();
    }
    attend_tile<kHeadDim>(stages + stage, query, args.scale, first, last, state, out);
  }

  // The warps' parts meet in shared memory: out [16][head_dim], then maximum and sum of each row.
  copy_async_wait<0>();
  sync_block();
  constexpr int kPart = kAttentionMostGroup * (kHeadDim + 2);
  static_assert(kAttentionWarps * kPart * 4 <= kAttentionWarps * kAttentionStages * Shape::kStageBytes);
  float* parts = reinterpret_cast<float*>(dynamic_shared());
  float* own_part = parts + warp * kPart;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int head = lane / 4 + half * 8;
#pragma unroll
    for (int n = 0; n < kHeadDim / 8; ++n) {
      own_part[head * kHeadDim + 8 * n + lane % 4 * 2] = out[n][2 * half];
      own_part[head * kHeadDim + 8 * n + lane % 4 * 2 + 1] = out[n][2 * half + 1];
    }
    if (lane % 4 == 0) {
      own_part[kAttentionMostGroup * kHeadDim + head] = state.most[half];
      own_part[kAttentionMostGroup * (kHeadDim + 1) + head] = state.sum[half];
    }
  }
  sync_block();
  for (int i = thread_x(); i < group * kHeadDim; i += threads()) {
    const int head = i / kHeadDim;
    const float* most_of = parts + kAttentionMostGroup * kHeadDim + head;
    const float* sum_of = parts + kAttentionMostGroup * (kHeadDim + 1) + head;
    float most = most_of[0];
#pragma unroll
    for (int w = 1; w < kAttentionWarps; ++w) most = greater(most_of[w * kPart], most);
    float sum = 0.0f, total = 0.0f;
#pragma unroll
    for (int w = 0; w < kAttentionWarps; ++w) {
      const float weight = exp_of(most_of[w * kPart] - most);
      sum = fused(sum_of[w * kPart], weight, sum);
      total = fused(parts[w * kPart + i], weight, total);
    }
    const int query_head = kv_head * group + head;
    if (first_split == last_split) {
      args.out[static_cast<int64_t>(row) * args.out_stride + query_head * kHeadDim + i % kHeadDim] =
          finish(total, most, sum, args.sinks, query_head);
      continue;
    }
    float* to = job.partial +
                ((static_cast<int64_t>(block_z()) * args.heads + query_head) * job.splits + split) * (kHeadDim + 2);
    to[i % kHeadDim] = total;
    if (i % kHeadDim == 0) {
      to[kHeadDim] = most;
      to[kHeadDim + 1] = sum;
    }
  }
}

constexpr int kAttentionThreads = kAttentionWarps * kWarp;

MK_KERNEL __launch_bounds__(kAttentionThreads) mk_attention_64_kernel(AttentionJob job, Status* status) {
  begin_kernel();
  attend<64>(job, status);
}
MK_KERNEL __launch_bounds__(kAttentionThreads) mk_attention_128_kernel(AttentionJob job, Status* status) {
  begin_kernel();
  attend<128>(job, status);
}

// Adds the splits of rows that have several; block (head, row), a thread an element.
MK_KERNEL mk_attention_sum_kernel(AttentionJob job) {
  begin_kernel();
  const mk_paged_attention_args& args = job.args;
  const int row = job.first_row + block_y(), head = block_x(), dim = thread_x();
  const int32_t position = args.positions[row];
  const int32_t sequence = args.sequence_of_row[row];
  if (position < 0 || position >= args.block_table_stride * kBlockTokens || sequence < 0 || sequence >= args.sequences)
    return;
  const int begin = args.window > 0 && position - args.window + 1 > 0 ? position - args.window + 1 : 0;
  const int first = begin / kAttentionSplit, last = position / kAttentionSplit;
  if (first == last) return;
  const int size = args.head_dim + 2;
  const float* parts = job.partial + (static_cast<int64_t>(block_y()) * args.heads + head) * job.splits * size;
  float most = -infinity();
  for (int s = first; s <= last; ++s) most = greater(parts[s * size + args.head_dim], most);
  float sum = 0.0f, total = 0.0f;
  for (int s = first; s <= last; ++s) {
    const float weight = exp_of(parts[s * size + args.head_dim] - most);
    sum = fused(parts[s * size + args.head_dim + 1], weight, sum);
    total = fused(parts[s * size + dim], weight, total);
  }
  args.out[static_cast<int64_t>(row) * args.out_stride + head * args.head_dim + dim] =
      finish(total, most, sum, args.sinks, head);
}

}  // namespace mk::device

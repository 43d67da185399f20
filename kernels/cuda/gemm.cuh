// Products of rows and packed weights on the tensor cores (bf16 factors, fp32 sums), and the grouped FFN made of them.
//  - Weights are the left factor, so that their 16 features fill an instruction whatever the number of rows, which come in eights. An output element is one
//    chain of instructions over in_features ascending, whatever travels beside it.
//  - A block takes kTileFeatures features of one weight and up to kGemmRows rows; weights and rows are brought ahead, kGemmStages deep.
#pragma once

#include "cuda/jobs.h"
#include "numbers.h"

namespace mk::device {

using namespace mk::cuda;

// ---- which rows go with which expert ----

// Offsets (checked here) to tiles of rows; one block. plan[0] becomes the number of tiles. Dynamic shared memory: 2 x (experts + 1) ints.
MK_KERNEL mk_ffn_plan_kernel(const int32_t* offsets, int experts, int pairs, RowTile* tiles, int32_t* plan, Status* status) {
  int32_t* atoms = reinterpret_cast<int32_t*>(dynamic_shared());
  int32_t* counts = atoms + experts + 1;
  __shared__ int32_t fault;
  const int e = thread_x();
  if (e == 0) fault = 0;
  sync_block();
  const int begin = e < experts ? offsets[e] : 0;
  const int rows = e < experts ? offsets[e + 1] - begin : 0;
  if (e < experts && (rows < 0 || begin < 0 || begin + rows > pairs || (e == 0 && begin != 0) || (e == experts - 1 && begin + rows != pairs)))
    fault = 1;
  sync_block();
  if (fault != 0) {
    if (e == 0) {
      plan[0] = 0;
      report(status, kBadOffsets);
    }
    return;
  }
  const int own_atoms = (rows + kAtomRows - 1) / kAtomRows;
  const int own_tiles = (rows + kGemmRows - 1) / kGemmRows;
  if (e < experts) {
    atoms[e] = own_atoms;
    counts[e] = own_tiles;
  }
  sync_block();
  for (int step = 1; step < experts; step *= 2) {
    const int more_atoms = e < experts && e >= step ? atoms[e - step] : 0;
    const int more_tiles = e < experts && e >= step ? counts[e - step] : 0;
    sync_block();
    if (e < experts) {
      atoms[e] += more_atoms;
      counts[e] += more_tiles;
    }
    sync_block();
  }
  if (e >= experts) return;
  const int first_atom = atoms[e] - own_atoms;
  const int first_tile = counts[e] - own_tiles;
  for (int i = 0; i < own_tiles; ++i) {
    RowTile tile;
    tile.expert = e;
    tile.atom = first_atom + i * (kGemmRows / kAtomRows);
    tile.pair = begin + i * kGemmRows;
    tile.rows = rows - i * kGemmRows < kGemmRows ? rows - i * kGemmRows : kGemmRows;
    tiles[first_tile + i] = tile;
  }
  if (e == experts - 1) plan[0] = counts[e];
}

// The tiles of a product with one weight need no plan.
MK_DEVICE bool find_tile(const RowTile* tiles, const int32_t* plan, int rows, int index, RowTile& tile) {
  if (tiles != nullptr) {
    if (index >= plan[0]) return false;
    tile = tiles[index];
    return true;
  }
  tile.expert = 0;
  tile.atom = index * (kGemmRows / kAtomRows);
  tile.pair = index * kGemmRows;
  tile.rows = rows - tile.pair < kGemmRows ? rows - tile.pair : kGemmRows;
  return tile.rows > 0;
}

// ---- rows to atoms ----

// Block (depth block, tile). Rows of an atom beyond the tile's are zero, as are columns beyond the matrix.
MK_KERNEL mk_gather_kernel(GatherJob job) {
  RowTile tile;
  if (!find_tile(job.tiles, job.plan, job.rows, block_y(), tile)) return;
  const int chunks = (tile.rows + kAtomRows - 1) / kAtomRows * kAtomRows * (kTileRowBytes / 16);
  for (int i = thread_x(); i < chunks; i += threads()) {
    const int row = i / 8, chunk = i % 8;
    const int column = block_x() * kTileDepth + chunk * 8;
    uint32_t words[4] = {0, 0, 0, 0};
    if (row < tile.rows) {
      const int64_t pair = tile.pair + row;
      const float* from = (job.row_of_pair != nullptr ? job.row_of_pair[pair] : job.in + pair * job.in_stride) + column;
      const int count = job.columns - column;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float low = 2 * j < count ? from[2 * j] : 0.0f;
        const float high = 2 * j + 1 < count ? from[2 * j + 1] : 0.0f;
        words[j] = pack_bf16(low, high);
      }
    }
    char* atom = job.atoms + (static_cast<int64_t>(block_x()) * job.capacity + tile.atom + row / kAtomRows) * kAtomBytes;
    uint32_t* to = reinterpret_cast<uint32_t*>(atom + row % kAtomRows * kTileRowBytes + ((chunk ^ (row % kAtomRows)) * 16));
#pragma unroll
    for (int j = 0; j < 4; ++j) to[j] = words[j];
  }
}

// ---- the product ----

struct Sums {
  float values[kGemmRows / 8][4];
};

#if defined(MK_SM90)

// Stages filled by the copy engine: one thread asks, a barrier counts the bytes.
struct Pipeline {
  uint32_t memory;
  uint32_t barriers;

  __device__ void begin(uint32_t shared_memory, uint32_t barrier_memory) {
    memory = shared_memory;
    barriers = barrier_memory;
    if (thread_x() == 0) {
      for (int i = 0; i < kGemmStages; ++i) barrier_init(barriers + 8 * i, 1);
      barrier_init_fence();
    }
    sync_block();
  }
  __device__ void ask(int step, const char* tile, const char* atoms, int atom_bytes) const {
    if (thread_x() != 0) return;
    const int stage = step % kGemmStages;
    const uint32_t barrier = barriers + 8 * stage;
    const uint32_t at = memory + stage * kGemmStageBytes;
    barrier_expect(barrier, kTileBytes + atom_bytes);
    copy_bulk(at, tile, kTileBytes, barrier);
    copy_bulk(at + kTileBytes, atoms, atom_bytes, barrier);
  }
  __device__ void nothing() const {}
  __device__ uint32_t wait(int step) const {
    const int stage = step % kGemmStages;
    barrier_wait(barriers + 8 * stage, step / kGemmStages % 2);
    return memory + stage * kGemmStageBytes;
  }
};

#else

// Stages filled by every thread's asynchronous copies, a group a step.
struct Pipeline {
  uint32_t memory;

  __device__ void begin(uint32_t shared_memory, uint32_t) { memory = shared_memory; }
  __device__ void ask(int step, const char* tile, const char* atoms, int atom_bytes) const {
    const uint32_t at = memory + step % kGemmStages * kGemmStageBytes;
    for (int i = 16 * thread_x(); i < kTileBytes; i += 16 * kGemmThreads) copy_async_16(at + i, tile + i);
    for (int i = 16 * thread_x(); i < atom_bytes; i += 16 * kGemmThreads) copy_async_16(at + kTileBytes + i, atoms + i);
    copy_async_commit();
  }
  __device__ void nothing() const { copy_async_commit(); }
  __device__ uint32_t wait(int step) const {
    copy_async_wait<kGemmStages - 2>();
    return memory + step % kGemmStages * kGemmStageBytes;
  }
};

#endif

// One step of kTileDepth in_features.
MK_DEVICE void multiply_stage(uint32_t tile, int row_tiles, Sums& sums) {
  const int lane = lane_id();
  const int weight_row = warp_id() * 16 + lane % 16;
  const int row = lane % 8 + lane / 16 * 8;
  const uint32_t weight_at = tile + weight_row * kTileRowBytes;
  const uint32_t row_at = tile + kTileBytes + row * kTileRowBytes;
#pragma unroll
  for (int step = 0; step < kTileDepth / 16; ++step) {
    uint32_t a[4];
    load_matrices(a, weight_at + (((2 * step + lane / 16) ^ (weight_row & 7)) * 16));
#pragma unroll
    for (int pair = 0; pair < kGemmRows / 16; ++pair) {
      if (2 * pair >= row_tiles) break;
      uint32_t b[4];
      load_matrices(b, row_at + pair * 2 * kAtomBytes + (((2 * step + lane / 8 % 2) ^ (row & 7)) * 16));
      multiply_add(sums.values[2 * pair], a, b[0], b[1]);
      if (2 * pair + 1 < row_tiles) multiply_add(sums.values[2 * pair + 1], a, b[2], b[3]);
    }
  }
}

MK_DEVICE void clear(Sums& sums) {
#pragma unroll
  for (int i = 0; i < kGemmRows / 8; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) sums.values[i][j] = 0.0f;
  }
}

MK_DEVICE int split_begin(const GemmJob& job, int split) { return split * job.depth_blocks / job.splits; }

// The sums of in_features from split `first` up to `last`: within a split one chain, the splits then added in order.
MK_DEVICE void multiply(const GemmJob& job, const RowTile& tile, int feature_block, int first, int last, Sums& total) {
  const uint32_t shared = shared_address(dynamic_shared());
  const int begin = split_begin(job, first), end = split_begin(job, last);
  const int atom_count = (tile.rows + kAtomRows - 1) / kAtomRows;
  const char* weights = job.weights + tile.expert * job.expert_bytes + static_cast<int64_t>(feature_block) * job.depth_blocks * kTileBytes;
  const char* atoms = job.atoms + static_cast<int64_t>(tile.atom) * kAtomBytes;
  const int64_t atom_step = static_cast<int64_t>(job.capacity) * kAtomBytes;
  Pipeline pipeline;
  pipeline.begin(shared, shared + kGemmStages * kGemmStageBytes);
#pragma unroll
  for (int i = 0; i < kGemmStages - 1; ++i) {
    if (begin + i < end)
      pipeline.ask(i, weights + static_cast<int64_t>(begin + i) * kTileBytes, atoms + (begin + i) * atom_step, atom_count * kAtomBytes);
    else
      pipeline.nothing();
  }
  Sums sums;
  clear(sums);
  int split = first, split_end = split_begin(job, first + 1);
  for (int block = begin; block < end; ++block) {
    const int step = block - begin;
    const uint32_t stage = pipeline.wait(step);
    sync_block();  // all see the stage, and all are done with the one before it, which is filled again
    const int ahead = block + kGemmStages - 1;
    if (ahead < end)
      pipeline.ask(step + kGemmStages - 1, weights + static_cast<int64_t>(ahead) * kTileBytes, atoms + ahead * atom_step, atom_count * kAtomBytes);
    else
      pipeline.nothing();
    multiply_stage(stage, atom_count, sums);
    if (block + 1 == split_end) {
#pragma unroll
      for (int i = 0; i < kGemmRows / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) total.values[i][j] = split == first ? sums.values[i][j] : total.values[i][j] + sums.values[i][j];
      }
      clear(sums);
      ++split;
      split_end = split_begin(job, split + 1);
    }
  }
}

// The row and feature, within tile and block, of sum j of row tile i: as the instruction leaves them.
MK_DEVICE int row_of_sum(int i, int j) { return 8 * i + lane_id() % 4 * 2 + j % 2; }
MK_DEVICE int feature_of_sum(int j) { return warp_id() * 16 + lane_id() / 4 + j / 2 * 8; }

MK_DEVICE void store_dense(const DenseJob& job, int64_t row, int feature, float sum) {
  if (job.bias != nullptr) sum = sum + job.bias[feature];
  if (job.residual != nullptr) sum = sum + job.residual[row * job.residual_stride + feature];
  job.out[row * job.out_stride + feature] = sum;
}

// Block (feature block, row tile, split or 0).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_gemm_kernel(DenseJob job) {
  RowTile tile;
  if (!find_tile(nullptr, nullptr, job.gemm.rows, block_y(), tile)) return;
  const bool apart = job.partial != nullptr;
  Sums sums;
  multiply(job.gemm, tile, block_x(), apart ? block_z() : 0, apart ? block_z() + 1 : job.gemm.splits, sums);
#pragma unroll
  for (int i = 0; i < kGemmRows / 8; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int row = row_of_sum(i, j), feature = block_x() * kTileFeatures + feature_of_sum(j);
      if (row >= tile.rows || feature >= job.features) continue;
      if (apart)
        job.partial[(static_cast<int64_t>(block_z()) * job.gemm.rows + tile.pair + row) * job.features + feature] = sums.values[i][j];
      else
        store_dense(job, tile.pair + row, feature, sums.values[i][j]);
    }
  }
}

// Adds the parts; block (features, row).
MK_KERNEL mk_gemm_sum_kernel(DenseJob job) {
  const int feature = block_x() * threads() + thread_x();
  const int64_t row = block_y();
  if (feature >= job.features) return;
  float sum = job.partial[row * job.features + feature];
  for (int split = 1; split < job.gemm.splits; ++split)
    sum = sum + job.partial[(static_cast<int64_t>(split) * job.gemm.rows + row) * job.features + feature];
  store_dense(job, row, feature, sum);
}

MK_DEVICE float activate(const FfnJob& job, float gate, float up) {
  if (job.activation == MK_SWIGLU) return silu_of(gate) * up;
  gate = gate > job.limit ? job.limit : gate;
  up = up > job.limit ? job.limit : up;
  up = up < -job.limit ? -job.limit : up;
  return gate / (1.0f + exp_of(-(job.alpha * gate))) * (up + 1.0f);
}

// Block (block of 64 features of gate and the same of up, row tile).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_ffn_gate_up_kernel(FfnJob job) {
  RowTile tile;
  if (!find_tile(job.gemm.tiles, job.gemm.plan, job.gemm.rows, block_y(), tile)) return;
  Sums sums;
  multiply(job.gemm, tile, block_x(), 0, 1, sums);
  const int within = warp_id() * kGateRun + lane_id() / 4;
  const int feature = block_x() * kTileDepth + within;
  float gate_bias = 0.0f, up_bias = 0.0f;
  if (job.bias != nullptr && feature < job.width) {
    gate_bias = job.bias[tile.expert * job.bias_stride + feature];
    up_bias = job.bias[tile.expert * job.bias_stride + job.width + feature];
  }
  const int rows = (tile.rows + kAtomRows - 1) / kAtomRows * kAtomRows;
  char* atoms = job.activated + (static_cast<int64_t>(block_x()) * job.gemm.capacity + tile.atom) * kAtomBytes;
#pragma unroll
  for (int i = 0; i < kGemmRows / 8; ++i) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int row = row_of_sum(i, j);
      if (row >= rows) continue;
      const float value = feature < job.width ? activate(job, sums.values[i][j] + gate_bias, sums.values[i][j + 2] + up_bias) : 0.0f;
      char* at = atoms + row / kAtomRows * kAtomBytes + row % kAtomRows * kTileRowBytes;
      *reinterpret_cast<uint16_t*>(at + ((within / 8) ^ (row % kAtomRows)) * 16 + within % 8 * 2) = float_to_bf16(value);
    }
  }
}

// Block (feature block of hidden, row tile).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_ffn_down_kernel(FfnJob job) {
  RowTile tile;
  if (!find_tile(job.gemm.tiles, job.gemm.plan, job.gemm.rows, block_y(), tile)) return;
  Sums sums;
  multiply(job.gemm, tile, block_x(), 0, 1, sums);
#pragma unroll
  for (int i = 0; i < kGemmRows / 8; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int row = row_of_sum(i, j), feature = block_x() * kTileFeatures + feature_of_sum(j);
      if (row >= tile.rows || feature >= job.hidden) continue;
      const float bias = job.bias == nullptr ? 0.0f : job.bias[tile.expert * job.bias_stride + feature];
      job.out_of_pair[tile.pair + row][feature] = job.bias == nullptr ? sums.values[i][j] : sums.values[i][j] + bias;
    }
  }
}

// ---- fp32 weights: routers and small models; a warp takes a feature and kPlainRows rows ----

constexpr int kPlainRows = 8;

MK_KERNEL mk_gemm_plain_kernel(PlainJob job) {
  const int feature = block_x() * (threads() / kWarp) + warp_id();
  if (feature >= job.features) return;
  const int first = block_y() * kPlainRows;
  float sums[kPlainRows];
#pragma unroll
  for (int r = 0; r < kPlainRows; ++r) sums[r] = 0.0f;
  const float* weights = job.weights + static_cast<int64_t>(feature) * job.columns;
  for (int k = lane_id(); k < job.columns; k += kWarp) {
    const float weight = weights[k];
#pragma unroll
    for (int r = 0; r < kPlainRows; ++r) {
      if (first + r < job.rows) sums[r] = fused(job.in[(first + r) * job.in_stride + k], weight, sums[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < kPlainRows; ++r) {
    float sum = warp_sum(sums[r]);
    const int64_t row = first + r;
    if (lane_id() != 0 || row >= job.rows) continue;
    if (job.bias != nullptr) sum = sum + job.bias[feature];
    if (job.residual != nullptr) sum = sum + job.residual[row * job.residual_stride + feature];
    job.out[row * job.out_stride + feature] = sum;
  }
}

}  // namespace mk::device

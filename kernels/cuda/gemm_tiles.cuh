// What both forms of the products share: which rows go with which expert, rows to atoms, what becomes of the sums, and products with fp32 weights.
#pragma once

#include "cuda/jobs.h"
#include "numbers.h"

namespace mk::device {

using namespace mk::cuda;

// ---- which rows go with which expert ----

// Offsets (checked here) to tiles of rows; one block. plan[0] becomes the number of tiles. Dynamic shared memory: 2 x (experts + 1) ints.
MK_KERNEL mk_ffn_plan_kernel(const int32_t* offsets, int experts, int pairs, int tile_rows, RowTile* tiles,
                             int32_t* plan, Status* status) {
  begin_kernel();
  int32_t* atoms = reinterpret_cast<int32_t*>(dynamic_shared());
  int32_t* counts = atoms + experts + 1;
  __shared__ int32_t fault;
  const int e = thread_x();
  if (e == 0) fault = 0;
  sync_block();
  const int begin = e < experts ? offsets[e] : 0;
  const int rows = e < experts ? offsets[e + 1] - begin : 0;
  if (e < experts && (rows < 0 || begin < 0 || begin + rows > pairs || (e == 0 && begin != 0) ||
                      (e == experts - 1 && begin + rows != pairs)))
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
  const int own_tiles = (rows + tile_rows - 1) / tile_rows;
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
    tile.atom = first_atom + i * (tile_rows / kAtomRows);
    tile.pair = begin + i * tile_rows;
    tile.rows = rows - i * tile_rows < tile_rows ? rows - i * tile_rows : tile_rows;
    tiles[first_tile + i] = tile;
  }
  if (e == experts - 1) plan[0] = counts[e];
}

// The tiles of a product with one weight need no plan.
MK_DEVICE bool find_tile(const RowTile* tiles, const int32_t* plan, int rows, int tile_rows, int index, RowTile& tile) {
  if (tiles != nullptr) {
    // Past the first-level cache: the plan may have been made while this kernel was already here.
    int32_t count;
    asm volatile("ld.global.cg.s32 %0, [%1];" : "=r"(count) : "l"(plan) : "memory");
    if (index >= count) return false;
    asm volatile("ld.global.cg.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(tile.expert), "=r"(tile.atom), "=r"(tile.pair), "=r"(tile.rows)
                 : "l"(tiles + index)
                 : "memory");
    return true;
  }
  tile.expert = 0;
  tile.atom = index * (tile_rows / kAtomRows);
  tile.pair = index * tile_rows;
  tile.rows = rows - tile.pair < tile_rows ? rows - tile.pair : tile_rows;
  return tile.rows > 0;
}

// ---- rows to atoms ----

// Block (depth block, tile). Rows of an atom beyond the tile's are zero, as are columns beyond the matrix.
MK_KERNEL mk_gather_kernel(GatherJob job) {
  begin_kernel();
  RowTile tile;
  if (!find_tile(job.tiles, job.plan, job.rows, job.tile_rows, block_y(), tile)) return;
  const int chunks = (tile.rows + kAtomRows - 1) / kAtomRows * kAtomRows * (kTileRowBytes / 16);
  for (int i = thread_x(); i < chunks; i += threads()) {
    const int row = i / 8, chunk = i % 8;
    const int column = block_x() * kTileDepth + chunk * 8;
    uint32_t words[4] = {0, 0, 0, 0};
    if (row < tile.rows) {
      const int64_t pair = tile.pair + row;
      const float* from = (job.row_of_pair != nullptr ? job.row_of_pair[pair] : job.in + pair * job.in_stride) + column;
      const int count = job.columns - column;
      if (count >= 8 && (reinterpret_cast<uint64_t>(from) & 15u) == 0) {
        const Four low = load_four(from), high = load_four(from + 4);
        words[0] = pack_bf16(low.values[0], low.values[1]);
        words[1] = pack_bf16(low.values[2], low.values[3]);
        words[2] = pack_bf16(high.values[0], high.values[1]);
        words[3] = pack_bf16(high.values[2], high.values[3]);
      } else {
#pragma unroll
        for (int j = 0; j < 4; ++j)
          words[j] = pack_bf16(2 * j < count ? from[2 * j] : 0.0f, 2 * j + 1 < count ? from[2 * j + 1] : 0.0f);
      }
    }
    char* atom =
        job.atoms + (static_cast<int64_t>(block_x()) * job.capacity + tile.atom + row / kAtomRows) * kAtomBytes;
    store_four(atom + row % kAtomRows * kTileRowBytes + ((chunk ^ (row % kAtomRows)) * 16), words);
  }
}

MK_DEVICE int split_begin(const GemmJob& job, int split) { return split * job.depth_blocks / job.splits; }

// ---- what becomes of a tile's sums ----
//
// sums[4 i + j] of a thread belong to row 8 i + lane % 4 * 2 + j % 2 of the tile and to feature warp * 16 + lane / 4 + j / 2 * 8 of the block's: as the
// instructions of both forms leave them.

MK_DEVICE int row_of_sum(int i, int j) { return 8 * i + lane_id() % 4 * 2 + j % 2; }
MK_DEVICE int feature_of_sum(int j) { return warp_id() * 16 + lane_id() / 4 + j / 2 * 8; }

MK_DEVICE void store_dense(const DenseJob& job, int64_t row, int feature, float sum) {
  if (job.bias != nullptr) sum = sum + job.bias[feature];
  if (job.residual != nullptr) sum = sum + job.residual[row * job.residual_stride + feature];
  job.out[row * job.out_stride + feature] = sum;
}

// What is done with each sum whose row and feature exist.
template <int kRows, typename Action>
MK_DEVICE void for_each_sum(const RowTile& tile, int feature_block, int features, const float (&sums)[kRows / 2],
                            Action action) {
  const int first = feature_block * kTileFeatures + feature_of_sum(0),
            second = feature_block * kTileFeatures + feature_of_sum(2);
#pragma unroll
  for (int i = 0; i < kRows / 8; ++i) {
    if (8 * i >= tile.rows) break;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int row = row_of_sum(i, j);
      if (row >= tile.rows) continue;
      if (first < features) action(row, first, sums[4 * i + j]);
      if (second < features) action(row, second, sums[4 * i + j + 2]);
    }
  }
}

template <int kRows>
MK_DEVICE void store_dense_tile(const DenseJob& job, const RowTile& tile, int feature_block, int split,
                                const float (&sums)[kRows / 2]) {
  if (job.partial == nullptr) {
    for_each_sum<kRows>(tile, feature_block, job.features, sums, [&](int row, int feature, float sum) MK_INLINE_LAMBDA {
      store_dense(job, tile.pair + row, feature, sum);
    });
    return;
  }
  float* part = job.partial + (static_cast<int64_t>(split) * job.gemm.rows + tile.pair) * job.features;
  for_each_sum<kRows>(tile, feature_block, job.features, sums, [&](int row, int feature, float sum) MK_INLINE_LAMBDA {
    part[static_cast<int64_t>(row) * job.features + feature] = sum;
  });
}

// Of the blocks that sum a tile's parts the last one to end adds them, in order. `sync` meets the threads that hold the tile's sums.
template <int kRows, typename Sync>
MK_DEVICE void add_parts(const DenseJob& job, const RowTile& tile, int feature_block, Sync sync) {
  __shared__ int32_t arrived;
  asm volatile("fence.acq_rel.gpu;" ::: "memory");
  sync();
  if (thread_x() == 0) {
    asm volatile("atom.acq_rel.gpu.global.add.s32 %0, [%1], 1;"
                 : "=r"(arrived)
                 : "l"(job.arrivals + feature_block)
                 : "memory");
    if (arrived == job.gemm.splits - 1) job.arrivals[feature_block] = 0;  // for the next product
  }
  sync();
  if (arrived != job.gemm.splits - 1) return;
  asm volatile("fence.acq_rel.gpu;" ::: "memory");
  for (int i = 0; i < kRows / 8; ++i) {
    if (8 * i >= tile.rows) break;
    for (int j = 0; j < 4; ++j) {
      const int row = row_of_sum(i, j), feature = feature_block * kTileFeatures + feature_of_sum(j);
      if (row >= tile.rows || feature >= job.features) continue;
      const float* part = job.partial + static_cast<int64_t>(tile.pair + row) * job.features + feature;
      const int64_t step = static_cast<int64_t>(job.gemm.rows) * job.features;
      float sum = load_shared_level(part);
      for (int split = 1; split < job.gemm.splits; ++split) sum = sum + load_shared_level(part + split * step);
      store_dense(job, tile.pair + row, feature, sum);
    }
  }
}

// The same for many rows; block (features, row).
MK_KERNEL mk_gemm_sum_kernel(DenseJob job) {
  begin_kernel();
  const int feature = block_x() * threads() + thread_x();
  const int64_t row = block_y();
  if (feature >= job.features) return;
  const float* part = job.partial + row * job.features + feature;
  float sum = part[0];
  for (int split = 1; split < job.gemm.splits; ++split)
    sum = sum + part[static_cast<int64_t>(split) * job.gemm.rows * job.features];
  store_dense(job, row, feature, sum);
}

template <int kActivation>
MK_DEVICE float activate(const FfnJob& job, float gate, float up) {
  if constexpr (kActivation == MK_SWIGLU) return silu_of(gate) * up;
  gate = gate > job.limit ? job.limit : gate;
  up = up > job.limit ? job.limit : up;
  up = up < -job.limit ? -job.limit : up;
  return gate / (1.0f + exp_of(-(job.alpha * gate))) * (up + 1.0f);
}

template <int kRows, int kActivation>
MK_DEVICE void store_activated_sums(const FfnJob& job, const RowTile& tile, int feature_block,
                                    const float (&sums)[kRows / 2]) {
  const int within = warp_id() * kGateRun + lane_id() / 4;
  const int feature = feature_block * kTileDepth + within;
  const bool exists = feature < job.width;
  float gate_bias = 0.0f, up_bias = 0.0f;
  if (job.bias != nullptr && exists) {
    gate_bias = job.bias[tile.expert * job.bias_stride + feature];
    up_bias = job.bias[tile.expert * job.bias_stride + job.width + feature];
  }
  char* atoms = job.activated + (static_cast<int64_t>(feature_block) * job.gemm.capacity + tile.atom) * kAtomBytes;
  const int row = row_of_sum(0, 0);
#pragma unroll
  for (int i = 0; i < kRows / 8; ++i) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (8 * i >= tile.rows) continue;
      const float value = activate<kActivation>(job, sums[4 * i + j] + gate_bias, sums[4 * i + j + 2] + up_bias);
      char* at = atoms + i * kAtomBytes + (row + j) * kTileRowBytes + ((within / 8) ^ (row + j)) * 16 + within % 8 * 2;
      *reinterpret_cast<uint16_t*>(at) = float_to_bf16(exists ? value : 0.0f);
    }
  }
}

// Of 64 features of gate and the same of up.
template <int kRows>
MK_DEVICE void store_activated_tile(const FfnJob& job, const RowTile& tile, int feature_block,
                                    const float (&sums)[kRows / 2]) {
  if (job.activation == MK_SWIGLU)
    store_activated_sums<kRows, MK_SWIGLU>(job, tile, feature_block, sums);
  else
    store_activated_sums<kRows, MK_SWIGLU_CLAMPED>(job, tile, feature_block, sums);
}

template <int kRows>
MK_DEVICE void store_down_tile(const FfnJob& job, const RowTile& tile, int feature_block,
                               const float (&sums)[kRows / 2]) {
  const float* bias = job.bias == nullptr ? nullptr : job.bias + tile.expert * job.bias_stride;
  for_each_sum<kRows>(tile, feature_block, job.hidden, sums, [&](int row, int feature, float sum) MK_INLINE_LAMBDA {
    job.out_of_pair[tile.pair + row][feature] = bias == nullptr ? sum : sum + bias[feature];
  });
}

// ---- fp32 weights: routers and small models; a warp takes a feature and kPlainRows rows ----

constexpr int kPlainRows = 8;

MK_KERNEL mk_gemm_plain_kernel(PlainJob job) {
  begin_kernel();
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

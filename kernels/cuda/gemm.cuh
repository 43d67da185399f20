// Products of rows and packed weights on the tensor cores of any GPU since Ampere (bf16 factors, fp32 sums), and the grouped FFN made of them.
//  - Weights are the left factor, so that their 16 features fill an instruction whatever the number of rows, which come in eights. An output element is one
//    chain of instructions over in_features ascending, whatever travels beside it.
//  - A block takes kTileFeatures features of one weight and up to kGemmRows rows; weights and rows are brought ahead, kGemmStages deep.
#pragma once

#include "gemm_tiles.cuh"

namespace mk::device {

// Stages filled by every thread's asynchronous copies, a group a step.
struct Pipeline {
  uint32_t memory;

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

// One step of kTileDepth in_features.
MK_DEVICE void multiply_stage(uint32_t tile, int row_tiles, float (&sums)[kGemmRows / 2]) {
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
      multiply_add(&sums[8 * pair], a, b[0], b[1]);
      if (2 * pair + 1 < row_tiles) multiply_add(&sums[8 * pair + 4], a, b[2], b[3]);
    }
  }
}

MK_DEVICE void clear(float (&sums)[kGemmRows / 2]) {
#pragma unroll
  for (int i = 0; i < kGemmRows / 2; ++i) sums[i] = 0.0f;
}

// The sums of in_features from split `first` up to `last`: within a split one chain, the splits then added in order.
MK_DEVICE void multiply(const GemmJob& job, const RowTile& tile, int feature_block, int first, int last,
                        float (&total)[kGemmRows / 2]) {
  const int begin = split_begin(job, first), end = split_begin(job, last);
  const int atom_count = (tile.rows + kAtomRows - 1) / kAtomRows;
  const char* weights = job.weights + tile.expert * job.expert_bytes +
                        static_cast<int64_t>(feature_block) * job.depth_blocks * kTileBytes;
  const char* atoms = job.atoms + static_cast<int64_t>(tile.atom) * kAtomBytes;
  const int64_t atom_step = static_cast<int64_t>(job.capacity) * kAtomBytes;
  const Pipeline pipeline = {shared_address(dynamic_shared())};
#pragma unroll
  for (int i = 0; i < kGemmStages - 1; ++i) {
    if (begin + i < end)
      pipeline.ask(i, weights + static_cast<int64_t>(begin + i) * kTileBytes, atoms + (begin + i) * atom_step,
                   atom_count * kAtomBytes);
    else
      pipeline.nothing();
  }
  float sums[kGemmRows / 2];
  clear(sums);
  int split = first, split_end = split_begin(job, first + 1);
  for (int block = begin; block < end; ++block) {
    const int step = block - begin;
    const uint32_t stage = pipeline.wait(step);
    sync_block();  // all see the stage, and all are done with the one before it, which is filled again
    const int ahead = block + kGemmStages - 1;
    if (ahead < end)
      pipeline.ask(step + kGemmStages - 1, weights + static_cast<int64_t>(ahead) * kTileBytes,
                   atoms + ahead * atom_step, atom_count * kAtomBytes);
    else
      pipeline.nothing();
    multiply_stage(stage, atom_count, sums);
    if (block + 1 == split_end) {
#pragma unroll
      for (int i = 0; i < kGemmRows / 2; ++i) total[i] = split == first ? sums[i] : total[i] + sums[i];
      clear(sums);
      ++split;
      split_end = split_begin(job, split + 1);
    }
  }
}

// Block (feature block, row tile, split or 0).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_gemm_kernel(DenseJob job) {
  begin_kernel();
  RowTile tile;
  if (!find_tile(nullptr, nullptr, job.gemm.rows, kGemmRows, block_y(), tile)) return;
  const bool apart = job.partial != nullptr;
  float sums[kGemmRows / 2];
  multiply(job.gemm, tile, block_x(), apart ? block_z() : 0, apart ? block_z() + 1 : job.gemm.splits, sums);
  store_dense_tile<kGemmRows>(job, tile, block_x(), block_z(), sums);
  if (job.arrivals != nullptr) add_parts<kGemmRows>(job, tile, block_x(), []() MK_INLINE_LAMBDA { sync_block(); });
}

// Block (block of 64 features of gate and the same of up, row tile).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_ffn_gate_up_kernel(FfnJob job) {
  begin_kernel();
  RowTile tile;
  if (!find_tile(job.gemm.tiles, job.gemm.plan, job.gemm.rows, kGemmRows, block_y(), tile)) return;
  float sums[kGemmRows / 2];
  multiply(job.gemm, tile, block_x(), 0, 1, sums);
  store_activated_tile<kGemmRows>(job, tile, block_x(), sums);
}

// Block (feature block of hidden, row tile).
MK_KERNEL __launch_bounds__(kGemmThreads) mk_ffn_down_kernel(FfnJob job) {
  begin_kernel();
  RowTile tile;
  if (!find_tile(job.gemm.tiles, job.gemm.plan, job.gemm.rows, kGemmRows, block_y(), tile)) return;
  float sums[kGemmRows / 2];
  multiply(job.gemm, tile, block_x(), 0, 1, sums);
  store_down_tile<kGemmRows>(job, tile, block_x(), sums);
}

}  // namespace mk::device

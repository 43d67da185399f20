// The products of gemm.cuh by Hopper's own instructions: a block stays for many tiles; one thread asks the copy engine for weights and rows, kHopperStages
// deep and on into the next tile, and two warpgroups multiply, 64 features each.
#pragma once

#include "gemm_tiles.cuh"
#include "wgmma.h"

namespace mk::device {

// Without a branch, which the products in flight would have to be waited for.
MK_DEVICE void barrier_arrive(uint32_t barrier, int does) {
  asm volatile(
      "{\n"
      ".reg .pred does;\n"
      "setp.ne.b32 does, %1, 0;\n"
      "@does mbarrier.arrive.shared::cta.b64 _, [%0];\n"
      "}" ::"r"(barrier),
      "r"(does)
      : "memory");
}

// Among the consumers only.
MK_DEVICE void sync_consumers() { asm volatile("bar.sync 1, %0;" ::"n"(kHopperConsumers * kWarpgroup) : "memory"); }

// The value that all lanes of a warp have, so that the compiler knows it: its tensor core instructions must not seem to be on a path that some lanes leave.
MK_DEVICE int uniform(int value) { return shuffle_index(value, 0); }

// What is asked for and used in turn: stage, and the parity of the round.
struct Turn {
  int stage = 0;
  int parity = 0;
  __device__ void next() {
    if (++stage < kHopperStages) return;
    stage = 0;
    parity ^= 1;
  }
};

struct Stages {
  uint32_t memory;
  __device__ uint32_t at(int stage) const { return memory + stage * kHopperStageBytes; }
  __device__ uint32_t full(int stage) const { return memory + kHopperStages * kHopperStageBytes + 16 * stage; }
  __device__ uint32_t empty(int stage) const { return full(stage) + 8; }
};

MK_DEVICE Stages begin_stages() {
  const Stages stages = {shared_address(dynamic_shared())};
  if (thread_x() == 0) {
    for (int i = 0; i < kHopperStages; ++i) {
      barrier_init(stages.full(i), 1);
      barrier_init(stages.empty(i), kHopperConsumers);
    }
    barrier_init_fence();
  }
  sync_block();
  return stages;
}

// A block's work item: a tile of features and rows, and the splits it sums.
struct Work {
  RowTile rows;
  int feature_block;
  int first_split;
  int last_split;
};

MK_DEVICE bool find_work(const GemmJob& job, int index, Work& work) {
  const int per_part = job.feature_blocks * job.row_tiles;
  const int part = index / per_part, within = index % per_part;
  if (part >= job.parts) return false;
  work.feature_block = within % job.feature_blocks;
  work.first_split = job.parts > 1 ? part : 0;
  work.last_split = job.parts > 1 ? part + 1 : job.splits;
  // Row tiles beyond the plan's are an upper bound's rest.
  if (!find_tile(job.tiles, job.plan, job.rows, kHopperRows, within / job.feature_blocks, work.rows))
    work.rows.rows = 0;
  work.rows.rows = uniform(work.rows.rows);
  return true;
}

// The producer's warp: every tile's weights and rows, asked for by its first lane.
MK_DEVICE void ask_all(const GemmJob& job, const Stages& stages) {
  Turn turn;
  const int64_t atom_step = static_cast<int64_t>(job.capacity) * kAtomBytes;
  Work work;
  // The first tile's weights are asked for while the kernel before still runs: they are nobody's to write, and the plan was made further back.
  int ahead = -1;
  for (int index = block_x(); find_work(job, index, work); index += blocks_x()) {
    if (work.rows.rows == 0) continue;
    const int bytes = (work.rows.rows + kAtomRows - 1) / kAtomRows * kAtomBytes;
    const int begin = split_begin(job, work.first_split), end = split_begin(job, work.last_split);
    const char* weights = job.weights + work.rows.expert * job.expert_bytes +
                          static_cast<int64_t>(work.feature_block) * job.depth_blocks * kTileBytes;
    const char* atoms = job.atoms + static_cast<int64_t>(work.rows.atom) * kAtomBytes;
    int asked = begin;
    if (ahead < 0) {
      ahead = end - begin < kHopperStages ? end - begin : kHopperStages;
      if (lane_id() == 0) {
        for (int i = 0; i < ahead; ++i) {
          barrier_expect(stages.full(i), kTileBytes + bytes);
          copy_bulk(stages.at(i), weights + static_cast<int64_t>(begin + i) * kTileBytes, kTileBytes, stages.full(i));
        }
      }
      begin_kernel();
      for (int i = 0; i < ahead; ++i) {
        if (lane_id() == 0)
          copy_bulk(stages.at(i) + kTileBytes, atoms + (begin + i) * atom_step, bytes, stages.full(i));
        turn.next();
      }
      asked = begin + ahead;
    }
    for (int block = asked; block < end; ++block) {
      barrier_wait(stages.empty(turn.stage), turn.parity ^ 1);
      if (lane_id() == 0) {
        const uint32_t full = stages.full(turn.stage);
        barrier_expect(full, kTileBytes + bytes);
        copy_bulk(stages.at(turn.stage), weights + static_cast<int64_t>(block) * kTileBytes, kTileBytes, full);
        copy_bulk(stages.at(turn.stage) + kTileBytes, atoms + block * atom_step, bytes, full);
      }
      sync_warp();
      turn.next();
    }
  }
}

template <int kRows>
MK_DEVICE void multiply_stage(float (&sums)[64], uint32_t weights, uint32_t rows, int keep) {
#pragma unroll
  for (int step = 0; step < kTileDepth / 16; ++step)
    warpgroup_multiply<kRows>(sums, factor_at(weights + 32 * step), factor_at(rows + 32 * step), step > 0 ? 1 : keep);
}

// One tile's sums, by a consumer warpgroup (0 or 1).
template <int kRows>
MK_DEVICE void multiply_tile(const GemmJob& job, const Stages& stages, const Work& work, int warpgroup, Turn& turn,
                             float (&total)[64]) {
  constexpr int kSums = kRows / 2;
  float sums[64];
  const int is_leader = thread_x() % kWarpgroup == 0 ? 1 : 0;
  for (int split = work.first_split; split < work.last_split; ++split) {
    const int begin = split_begin(job, split), end = split_begin(job, split + 1);
    int before = -1;
    for (int block = begin; block < end; ++block) {
      barrier_wait(stages.full(turn.stage), turn.parity);
      const uint32_t at = stages.at(turn.stage);
      warpgroup_fence();
      multiply_stage<kRows>(sums, at + warpgroup * (kTileBytes / 2), at + kTileBytes, block > begin ? 1 : 0);
      warpgroup_commit();
      // The products of the stage before are done when only the latest are pending.
      warpgroup_wait<1>();
      barrier_arrive(stages.empty(before < 0 ? 0 : before), before < 0 ? 0 : is_leader);
      before = turn.stage;
      turn.next();
    }
    warpgroup_wait<0>();
    barrier_arrive(stages.empty(before), is_leader);
#pragma unroll
    for (int i = 0; i < kSums; ++i) total[i] = split == work.first_split ? sums[i] : total[i] + sums[i];
  }
}

// An instruction multiplies a fixed number of rows; with 80, a fifth number takes too many registers. An expert's rows spread around their mean, so that
// those a little above 64 are many.
template <bool kIsGrouped>
MK_DEVICE void multiply_work(const GemmJob& job, const Stages& stages, const Work& work, int warpgroup, Turn& turn,
                             float (&total)[64]) {
  const int rows = work.rows.rows;
  if (!kIsGrouped && rows <= 8)
    multiply_tile<8>(job, stages, work, warpgroup, turn, total);
  else if (rows <= 16)
    multiply_tile<16>(job, stages, work, warpgroup, turn, total);
  else if (!kIsGrouped && rows <= 32)
    multiply_tile<32>(job, stages, work, warpgroup, turn, total);
  else if (rows <= 64)
    multiply_tile<64>(job, stages, work, warpgroup, turn, total);
  else if (kIsGrouped && rows <= 80)
    multiply_tile<80>(job, stages, work, warpgroup, turn, total);
  else
    multiply_tile<128>(job, stages, work, warpgroup, turn, total);
}

// Producer and consumers; store(work, sums) is called by each consumer thread for each tile.
template <bool kIsGrouped, typename Store>
MK_DEVICE void run_tiles(const GemmJob& job, Store store) {
  const Stages stages = begin_stages();
  const int warpgroup = uniform(thread_x() / kWarpgroup);
  if (warpgroup == kHopperConsumers) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (thread_x() % kWarpgroup < kWarp) ask_all(job, stages);
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    begin_kernel();
    Turn turn;
    Work work;
    float total[64];
    for (int index = block_x(); find_work(job, index, work); index += blocks_x()) {
      if (work.rows.rows == 0) continue;
      multiply_work<kIsGrouped>(job, stages, work, warpgroup, turn, total);
      store(work, total);
    }
  }
}

MK_KERNEL __launch_bounds__(kHopperThreads, 1) mk_gemm_kernel(DenseJob job) {
  run_tiles<false>(job.gemm, [&](const Work& work, const float(&sums)[64]) MK_INLINE_LAMBDA {
    store_dense_tile<kHopperRows>(job, work.rows, work.feature_block, work.first_split, sums);
    if (job.arrivals != nullptr)
      add_parts<kHopperRows>(job, work.rows, work.feature_block, []() MK_INLINE_LAMBDA { sync_consumers(); });
  });
}

MK_KERNEL __launch_bounds__(kHopperThreads, 1) mk_ffn_gate_up_kernel(FfnJob job) {
  run_tiles<true>(job.gemm, [&](const Work& work, const float(&sums)[64]) MK_INLINE_LAMBDA {
    store_activated_tile<kHopperRows>(job, work.rows, work.feature_block, sums);
  });
}

MK_KERNEL __launch_bounds__(kHopperThreads, 1) mk_ffn_down_kernel(FfnJob job) {
  run_tiles<true>(job.gemm, [&](const Work& work, const float(&sums)[64]) MK_INLINE_LAMBDA {
    store_down_tile<kHopperRows>(job, work.rows, work.feature_block, sums);
  });
}

}  // namespace mk::device

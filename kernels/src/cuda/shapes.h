// What host and device code agree on: tiles, launches and the words that a kernel reports.
#pragma once

#include <cstdint>

namespace mk::cuda {

// Why a kernel refused an element; greater ones win.
enum DeviceFault : uint32_t {
  kNoFault = 0,
  kBadId = 1,
  kBadPosition = 2,
  kBadSequence = 3,
  kBadBlock = 4,
  kBadOffsets = 5,
};

// A packed matrix is tiles of kTileFeatures x kTileDepth bf16, [feature blocks][depth blocks]; a tile is rows of 128 bytes whose eight 16-byte chunks lie
// at chunk ^ (row & 7): as the copy engine brings it, the tensor cores' loads meet no bank twice.
constexpr int kTileFeatures = 128;
constexpr int kTileDepth = 64;
constexpr int kTileRowBytes = 2 * kTileDepth;
constexpr int kTileBytes = kTileFeatures * kTileRowBytes;

// Activations lie in atoms of kAtomRows rows x kTileDepth, chunks placed as in a tile, [depth blocks][row blocks].
constexpr int kAtomRows = 8;
constexpr int kAtomBytes = kAtomRows * kTileRowBytes;

// In a tile of gate and up, eight features of gate are followed by the same eight of up, so that one thread ends with both factors.
constexpr int kGateRun = 8;

// Rows that a block multiplies at once.
constexpr int kGemmRows = 64;
constexpr int kGemmThreads = 256;
constexpr int kGemmStages = 4;
constexpr int kGemmStageBytes = kTileBytes + kGemmRows * kTileRowBytes;
constexpr int kGemmSharedBytes = kGemmStages * kGemmStageBytes;

// A product of few features is cut into parts of its in_features until about so many blocks share it: a constant, so that the bits do not depend on the card's
// size. A part has at least kLeastSplitBlocks depth blocks.
constexpr int kWantedBlocks = 132;
constexpr int kLeastSplitBlocks = 4;
constexpr int kMostArrivals = kWantedBlocks;

// The same on Hopper, where a block stays for many tiles: two warpgroups that multiply and one that brings.
constexpr int kHopperRows = 128;
constexpr int kHopperConsumers = 2;
constexpr int kHopperThreads = 128 * (kHopperConsumers + 1);
constexpr int kHopperStages = 6;
constexpr int kHopperStageBytes = kTileBytes + kHopperRows * kTileRowBytes;
constexpr int kHopperSharedBytes = kHopperStages * (kHopperStageBytes + 16);

// Rows of one expert that a block multiplies: made on the device from the offsets of a call.
struct RowTile {
  int32_t expert;
  int32_t atom;  // first atom of activations
  int32_t pair;  // first pair
  int32_t rows;  // 1.. the rows of a tile
};

// A row's attention is computed in parts of so many positions, counted from 0, which are then added in order.
constexpr int kAttentionSplit = 512;
constexpr int kAttentionWarps = 4;
constexpr int kAttentionStages = 3;
constexpr int kAttentionMostGroup = 16;  // query heads of one KV head

// Logits that a block of log_sum_exp takes.
constexpr int kLogSumPart = 8192;

// Keys and values of 16 positions in bf16 for each stage of each warp.
constexpr int attention_shared_bytes(int head_dim) {
  return kAttentionWarps * kAttentionStages * 2 * head_dim * 16 * 2;
}

}  // namespace mk::cuda

// Weights as the kernels stream them. Plain data: shared by code compiled for different instruction sets.
#pragma once

#include <cstdint>

#include "mk/mk.h"

namespace mk {

// A panel is two halves of 16 output features, interleaved so that one 64-byte line of bf16 widens into two fp32
// vectors with a shift and a mask:
//   bf16 [panels][columns][16] of pairs (first half's feature j, second half's feature j)
//   fp32 [panels][columns][2][16]
// Features beyond the matrix are zero.
constexpr int32_t kPanelHalf = 16;
constexpr int32_t kPanelWidth = 2 * kPanelHalf;

struct PackedMatrix {
  const void* data;
  uint64_t panel_bytes;
  int32_t columns;  // in_features
  int32_t panels;
  int32_t dtype;  // MK_F32 or MK_BF16
};

}  // namespace mk

// Panel p holds features 32p .. 32p+15 and 32p+16 .. 32p+31.
struct mk_weight {
  mk::PackedMatrix matrix;
  int32_t rows;  // out_features
  uint64_t bytes;
};

struct mk_experts {
  int32_t count;
  int32_t hidden;
  int32_t width;
  uint64_t bytes;
  void* memory;
  // [count]. Panel p's first half holds features 16p .. 16p+15 of gate, its second half the same features of up, so
  // that one tile ends with both factors of the gated product in registers.
  mk::PackedMatrix* gate_up;
  mk::PackedMatrix* down;  // [count], panels as in mk_weight
};

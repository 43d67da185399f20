// Weights as the kernels stream them. Plain data: shared by code compiled for different instruction sets.
#pragma once

#include <cstdint>

#include "mk/mk.h"

namespace mk {

// A panel is two halves of 16 output features, a line after the other (a line of bf16 has two columns, what an
// instruction that adds two products takes):
//   fp32  [panels] x [columns][2][16]
//   bf16  [panels] x [ceil(columns / 2)][2][16] of pairs of columns, the first in the upper half of a 32-bit word
//   f8    [panels] x ([columns][16] of pairs of bytes, then scales [ceil(columns / 128)][2][16] fp32)
//   mxfp4 [panels] x ([columns][16] of pairs of nibbles, first half's lower, then scales [ceil(columns / 32)][2][16] bytes)
//   int8  [panels] x [groups] x (scales [2][16] fp16, then for each 4 columns [2][16] x 4 codes + 128)
//   int4  [panels] x [groups] x (scales [2][16] fp16, then for each 8 columns [2][16] x 4 bytes: column j's code + 8 in the lower half of
//         byte j, column j + 4's in its upper half), groups of 32 columns, zero codes beyond the matrix
// Features beyond the matrix are zero. Panels begin on a 64-byte line.
constexpr int32_t kPanelHalf = 16;
constexpr int32_t kPanelWidth = 2 * kPanelHalf;

constexpr int32_t kF8ScaleColumns = 128;
constexpr int32_t kMxfp4ScaleColumns = 32;

constexpr int32_t kGroupColumns = 32;
constexpr int32_t kGroupScaleBytes = 2 * kPanelWidth;

// Products with these are of whole numbers (quantised_row.h).
static constexpr bool is_integer(int32_t dtype) { return dtype == MK_INT8 || dtype == MK_INT4; }

// Bytes of a panel's group of columns, scales included.
static constexpr int32_t group_bytes_of(int32_t dtype) {
  return kGroupScaleBytes + kGroupColumns * (dtype == MK_INT8 ? kPanelWidth : kPanelHalf);
}

struct PackedMatrix {
  const void* data;
  uint64_t panel_bytes;
  int32_t columns;  // in_features
  int32_t panels;
  int32_t dtype;  // MK_F32, MK_BF16, MK_F8_E4M3, MK_MXFP4, MK_INT8 or MK_INT4
};

// In_features of a line.
static constexpr int32_t line_columns_of(int32_t dtype) { return dtype == MK_BF16 ? 2 : 1; }

static constexpr int32_t lines_of(int32_t columns, int32_t dtype) {
  return (columns + line_columns_of(dtype) - 1) / line_columns_of(dtype);
}

// Bytes of one line of a panel.
static constexpr int32_t line_bytes_of(int32_t dtype) {
  return dtype == MK_F32 || dtype == MK_BF16 ? 4 * kPanelWidth : dtype == MK_F8_E4M3 ? kPanelWidth : kPanelHalf;
}

// In_features that share a panel's line of scales; 0: the type has none.
static constexpr int32_t scale_columns_of(int32_t dtype) {
  return dtype == MK_F8_E4M3 ? kF8ScaleColumns : dtype == MK_MXFP4 ? kMxfp4ScaleColumns : 0;
}

static constexpr int32_t scale_line_bytes_of(int32_t dtype) {
  return dtype == MK_F8_E4M3 ? 4 * kPanelWidth : kPanelWidth;
}

// Where a panel's scales begin, from its first byte.
static inline uint64_t scales_offset(int32_t columns, int32_t dtype) {
  return static_cast<uint64_t>(lines_of(columns, dtype)) * static_cast<uint64_t>(line_bytes_of(dtype));
}

struct PackedExpert {
  // Panel p's first half holds features 16p .. 16p+15 of gate, its second half the same features of up, so that one
  // tile ends with both factors of the gated product in registers.
  PackedMatrix gate_up;
  PackedMatrix down;          // panels as in mk_weight
  const float* gate_up_bias;  // [panels of gate_up][2][16], zeros beyond the features; or null
  const float* down_bias;     // [panels of down][2][16], likewise
};

class WeightMemory;

namespace cuda {
struct Matrix;
struct Experts;
}  // namespace cuda

}  // namespace mk

// Panel p holds features 32p .. 32p+15 and 32p+16 .. 32p+31.
struct mk_weight {
  mk::PackedMatrix matrix;
  int32_t rows;  // out_features
  uint64_t bytes;
  mk::WeightMemory* memory;     // of `matrix`
  mk::cuda::Matrix* on_device;  // of a GPU's context, or null; there is then no memory, and `matrix` has only its shape
};

struct mk_experts {
  mk_experts_shape shape;
  uint64_t bytes;
  mk::WeightMemory* memory;
  mk::PackedExpert* experts;     // [shape.count]
  mk::cuda::Experts* on_device;  // of a GPU's context, or null; there is then neither memory nor experts
};

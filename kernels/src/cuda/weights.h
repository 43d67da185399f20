// Weights in a GPU's memory.
#pragma once

#include "cuda/device.h"
#include "packed.h"
#include "runtime.h"

namespace mk::cuda {

// BF16: tiles of shapes.h, [feature blocks][depth blocks]. F32: rows as they are.
struct Matrix {
  Device* device;
  void* data;
  int32_t dtype;
  int32_t columns;
  int32_t features;
  int32_t feature_blocks;
  int32_t depth_blocks;
};

struct Experts {
  Device* device;
  void* memory;
  // Tiles of expert e begin at e * the bytes of one expert's.
  char* gate_up;
  char* down;
  int64_t gate_up_bytes;
  int64_t down_bytes;
  float* gate_up_bias;  // [experts][gate: width, up: width] or null
  float* down_bias;     // [experts][hidden] or null
};

// `runtime` has the host's threads, which make the tiles. Throw Error(MK_UNSUPPORTED) for types other than BF16 and, of single matrices, F32.
mk_weight* pack_weight(Device& device, Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns,
                       int32_t dtype);
mk_experts* pack_experts(Device& device, Runtime& runtime, const mk_experts_shape& shape,
                         const mk_expert_matrices* experts);
void free_matrix(Matrix* matrix);
void free_experts(Experts* experts);

}  // namespace mk::cuda

// Packing: from the checkpoint's row-major matrices to what the kernels stream.
#pragma once

#include "context.h"
#include "packed.h"

namespace mk {

// Arguments have been checked. The results are freed by the functions below.
mk_weight* pack_weight(Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype);
mk_experts* pack_experts(Runtime& runtime, const mk_expert_matrices* experts, int32_t count, int32_t hidden,
                         int32_t width, int32_t dtype);
void free_weight(mk_weight* weight);
void free_experts(mk_experts* experts);

}  // namespace mk

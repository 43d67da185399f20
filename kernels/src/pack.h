// Packing: from the checkpoint's matrices to what the kernels stream.
#pragma once

#include "context.h"
#include "packed.h"

namespace mk {

// Arguments have been checked; what shows only in the elements throws Error. The results are freed by the functions
// below.
mk_weight* pack_weight(Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype);
mk_experts* pack_experts(Runtime& runtime, const mk_experts_shape& shape, const mk_expert_matrices* experts);
void free_weight(mk_weight* weight);
void free_experts(mk_experts* experts);

}  // namespace mk

// Packing: from the checkpoint's matrices to what the kernels stream.
#pragma once

#include "context.h"
#include "packed.h"

namespace mk {

// Arguments have been checked; what shows only in the elements throws Error. The results are freed by the functions
// below.
mk_weight* pack_weight(Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype);
mk_experts* pack_experts(Runtime& runtime, const mk_experts_shape& shape, const mk_expert_matrices* experts);
// From an open file that begins with what mk_weight_data and mk_experts_data gave; throws Error if the bytes are not as
// many as such a weight has.
mk_weight* restore_weight(int32_t rows, int32_t columns, int32_t dtype, int file, uint64_t bytes);
mk_experts* restore_experts(const mk_experts_shape& shape, bool has_gate_bias, bool has_down_bias, int file,
                            uint64_t bytes);
void free_weight(mk_weight* weight);
void free_experts(mk_experts* experts);

// Shapes of restored weights; throw Error.
void check_restored(int32_t rows, int32_t columns, int32_t dtype);
void check_shape(const mk_experts_shape& shape);

}  // namespace mk

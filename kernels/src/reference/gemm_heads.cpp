// Each head of the rows times its own packed weight.
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status gemm_heads(Runtime& runtime, const mk_gemm_heads_args& args) {
  if (args.rows == 0) return MK_OK;
  void* space = scratch(runtime, static_cast<uint64_t>(quantised_row_bytes(args.weights[0]->matrix.columns)));
  if (space == nullptr) return MK_NO_MEMORY;
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int64_t head = 0; head < args.heads; ++head) {
      const mk_weight& weight = *args.weights[head];
      const ProductRow in(weight.matrix, args.in + row * args.in_stride + head * args.in_head_stride, space);
      float* out = args.out + row * args.out_stride + head * args.out_head_stride;
      for (int32_t feature = 0; feature < weight.rows; ++feature)
        out[feature] = product_plain(weight.matrix, feature, in);
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

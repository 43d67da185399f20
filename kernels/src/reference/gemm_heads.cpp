// Each head of the rows times its own packed weight.
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status gemm_heads(Runtime&, const mk_gemm_heads_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int64_t head = 0; head < args.heads; ++head) {
      const mk_weight& weight = *args.weights[head];
      const float* in = args.in + row * args.in_stride + head * args.in_head_stride;
      float* out = args.out + row * args.out_stride + head * args.out_head_stride;
      for (int32_t feature = 0; feature < weight.rows; ++feature) out[feature] = dot_plain(weight.matrix, feature, in);
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

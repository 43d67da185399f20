// Rows times a packed weight.
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status gemm(Runtime&, const mk_gemm_args& args) {
  const mk_weight& weight = *args.weight;
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int32_t feature = 0; feature < weight.rows; ++feature) {
      float value = dot_plain(weight.matrix, feature, args.in + row * args.in_stride);
      if (args.bias != nullptr) value += args.bias[feature];
      if (args.residual != nullptr) value += args.residual[row * args.residual_stride + feature];
      args.out[row * args.out_stride + feature] = value;
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

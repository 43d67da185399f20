// Rows times a packed weight.
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status gemm(Runtime& runtime, const mk_gemm_args& args) {
  const mk_weight& weight = *args.weight;
  void* space = scratch(runtime, static_cast<uint64_t>(quantised_row_bytes(weight.matrix.columns)));
  if (space == nullptr) return MK_NO_MEMORY;
  for (int64_t row = 0; row < args.rows; ++row) {
    const ProductRow in(weight.matrix, args.in + row * args.in_stride, space);
    for (int32_t feature = 0; feature < weight.rows; ++feature) {
      float value = product_plain(weight.matrix, feature, in);
      if (args.bias != nullptr) value += args.bias[feature];
      if (args.residual != nullptr) value += args.residual[row * args.residual_stride + feature];
      args.out[row * args.out_stride + feature] = value;
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

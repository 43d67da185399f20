// Norm of each row around its mean.
#include <cmath>

#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status layernorm(Runtime&, const mk_layernorm_args& args) {
  const float width = static_cast<float>(args.width);
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* in = args.in + row * args.in_stride;
    float* out = args.out + row * args.out_stride;
    float sums[16] = {};
    for (int32_t i = 0; i < args.width; ++i) sums[i % 16] = sums[i % 16] + in[i];
    const float mean = fold_sum(sums) / width;
    float squares[16] = {};
    for (int32_t i = 0; i < args.width; ++i) {
      const float x = in[i] - mean;
      squares[i % 16] = std::fma(x, x, squares[i % 16]);
    }
    const float factor = 1.0f / std::sqrt(fold_sum(squares) / width + args.epsilon);
    for (int32_t i = 0; i < args.width; ++i) out[i] = (in[i] - mean) * factor * args.weight[i];
  }
  return MK_OK;
}

}  // namespace mk::reference

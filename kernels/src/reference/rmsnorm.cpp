// Root-mean-square norm of each group of each row.
#include <cmath>

#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status rmsnorm(Runtime&, const mk_rmsnorm_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int64_t group = 0; group < args.groups; ++group) {
      const float* in = args.in + row * args.in_stride + group * args.width;
      float* out = args.out + row * args.out_stride + group * args.width;
      float lanes[16] = {};
      for (int32_t i = 0; i < args.width; ++i) lanes[i % 16] = std::fma(in[i], in[i], lanes[i % 16]);
      const float mean = fold_sum(lanes) / static_cast<float>(args.width);
      const float factor = 1.0f / std::sqrt(mean + args.epsilon);
      for (int32_t i = 0; i < args.width; ++i) out[i] = in[i] * factor * args.weight[i];
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

// Rotary positions, half-split pairs.
#include <cmath>

#include "backend.h"

namespace mk::reference {

mk_status rope(Runtime&, const mk_rope_args& args) {
  const int32_t half = args.rotary_dim / 2;
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* cosine = args.cosine_sine + static_cast<int64_t>(args.positions[row]) * args.rotary_dim;
    const float* sine = cosine + half;
    for (int64_t head = 0; head < args.heads; ++head) {
      float* data = args.rows_data + row * args.stride + head * args.head_dim;
      for (int32_t i = 0; i < half; ++i) {
        const float first = data[i];
        const float second = data[half + i];
        data[i] = std::fma(first, cosine[i], -(second * sine[i]));
        data[half + i] = std::fma(second, cosine[i], first * sine[i]);
      }
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

// Rotary positions.
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
        float& first = args.pairing == MK_ROPE_HALVES ? data[i] : data[2 * i];
        float& second = args.pairing == MK_ROPE_HALVES ? data[half + i] : data[2 * i + 1];
        const float a = first, b = second;
        first = std::fma(a, cosine[i], -(b * sine[i]));
        second = std::fma(b, cosine[i], a * sine[i]);
      }
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

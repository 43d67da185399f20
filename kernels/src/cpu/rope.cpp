// Rotary positions.
#include "backend.h"

namespace mk::MK_ISA {
namespace {

void rotate_halves(float* __restrict first, float* __restrict second, const float* __restrict cosine,
                   const float* __restrict sine, int32_t half) {
  for (int32_t i = 0; i < half; ++i) {
    const float a = first[i];
    const float b = second[i];
    first[i] = __builtin_fmaf(a, cosine[i], -(b * sine[i]));
    second[i] = __builtin_fmaf(b, cosine[i], a * sine[i]);
  }
}

void rotate_neighbours(float* __restrict data, const float* __restrict cosine, const float* __restrict sine,
                       int32_t half) {
  for (int32_t i = 0; i < half; ++i) {
    const float a = data[2 * i];
    const float b = data[2 * i + 1];
    data[2 * i] = __builtin_fmaf(a, cosine[i], -(b * sine[i]));
    data[2 * i + 1] = __builtin_fmaf(b, cosine[i], a * sine[i]);
  }
}

void rotate_rows(const void* job, int64_t begin, int64_t end) {
  const mk_rope_args& args = *static_cast<const mk_rope_args*>(job);
  const int32_t half = args.rotary_dim / 2;
  for (int64_t row = begin; row < end; ++row) {
    const float* cosine = args.cosine_sine + static_cast<int64_t>(args.positions[row]) * args.rotary_dim;
    for (int64_t head = 0; head < args.heads; ++head) {
      float* data = args.rows_data + row * args.stride + head * args.head_dim;
      if (args.pairing == MK_ROPE_HALVES)
        rotate_halves(data, data + half, cosine, cosine + half, half);
      else
        rotate_neighbours(data, cosine, cosine + half, half);
    }
  }
}

}  // namespace

mk_status rope(Runtime& runtime, const mk_rope_args& args) {
  parallel_for(runtime, args.rows, 0.3 * args.rows * args.heads * args.rotary_dim, rotate_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

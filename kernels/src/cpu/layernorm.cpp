// Norm of each row around its mean.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

float mean_of(const float* in, int32_t width) {
  Lanes16 sums = splat16(0.0f);
  int32_t i = 0;
  for (; i + 16 <= width; i += 16) sums = add(sums, load16(in + i));
  if (i < width) sums = add(sums, load16_first(in + i, width - i));
  return fold_sum(sums) / static_cast<float>(width);
}

float mean_square_of(const float* in, V mean, int32_t width) {
  Lanes16 squares = splat16(0.0f);
  int32_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const Lanes16 x = sub(load16(in + i), mean);
    squares = fma(x, x, squares);
  }
  if (i < width) {
    const Lanes16 x = keep_first(sub(load16_first(in + i, width - i), mean), width - i, 0.0f);
    squares = fma(x, x, squares);
  }
  return fold_sum(squares) / static_cast<float>(width);
}

void norm(const float* in, const float* weight, float* out, int32_t width, float epsilon) {
  const V mean = set1(mean_of(in, width));
  const V factor = set1(1.0f / __builtin_sqrtf(mean_square_of(in, mean, width) + epsilon));
  int32_t i = 0;
  for (; i + 16 <= width; i += 16) store16(out + i, mul(mul(sub(load16(in + i), mean), factor), load16(weight + i)));
  if (i == width) return;
  const int rest = width - i;
  const Lanes16 x = sub(load16_first(in + i, rest), mean);
  store16_first(out + i, rest, mul(mul(x, factor), load16_first(weight + i, rest)));
}

void norm_rows(const void* job, int64_t begin, int64_t end) {
  const mk_layernorm_args& args = *static_cast<const mk_layernorm_args*>(job);
  for (int64_t row = begin; row < end; ++row)
    norm(args.in + row * args.in_stride, args.weight, args.out + row * args.out_stride, args.width, args.epsilon);
}

}  // namespace

mk_status layernorm(Runtime& runtime, const mk_layernorm_args& args) {
  parallel_for(runtime, args.rows, static_cast<double>(args.rows) * (60.0 + 0.3 * args.width), norm_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

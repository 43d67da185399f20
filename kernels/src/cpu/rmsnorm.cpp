// Root-mean-square norm of each group of each row.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

void norm(const float* in, const float* weight, float* out, int32_t width, float epsilon) {
  Lanes16 squares = splat16(0.0f);
  int32_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const Lanes16 x = load16(in + i);
    squares = fma(x, x, squares);
  }
  if (i < width) {
    const Lanes16 x = load16_first(in + i, width - i);
    squares = fma(x, x, squares);
  }
  const float mean = fold_sum(squares) / static_cast<float>(width);
  const V factor = set1(1.0f / __builtin_sqrtf(mean + epsilon));
  for (i = 0; i + 16 <= width; i += 16) store16(out + i, mul(mul(load16(in + i), factor), load16(weight + i)));
  if (i < width) {
    const int rest = width - i;
    store16_first(out + i, rest, mul(mul(load16_first(in + i, rest), factor), load16_first(weight + i, rest)));
  }
}

void norm_groups(const void* job, int64_t begin, int64_t end) {
  const mk_rmsnorm_args& args = *static_cast<const mk_rmsnorm_args*>(job);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t row = item / args.groups;
    const int64_t offset = item % args.groups * args.width;
    norm(args.in + row * args.in_stride + offset, args.weight, args.out + row * args.out_stride + offset, args.width,
         args.epsilon);
  }
}

}  // namespace

mk_status rmsnorm(Runtime& runtime, const mk_rmsnorm_args& args) {
  const int64_t items = static_cast<int64_t>(args.rows) * args.groups;
  parallel_for(runtime, items, static_cast<double>(items) * (40.0 + 0.2 * args.width), norm_groups, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

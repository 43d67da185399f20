// Elements to within a limit on either side of zero.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

// What is not a number stays: min and max give their second operand then.
MK_INLINE Lanes16 clamped(const Lanes16& x, const Lanes16& least, const Lanes16& most) {
  return max(least, min(most, x));
}

void clamp_rows(const void* job, int64_t begin, int64_t end) {
  const mk_clamp_args& args = *static_cast<const mk_clamp_args*>(job);
  const Lanes16 least = splat16(-args.limit), most = splat16(args.limit);
  for (int64_t row = begin; row < end; ++row) {
    float* data = args.rows_data + row * args.stride;
    int32_t i = 0;
    for (; i + 16 <= args.width; i += 16) store16(data + i, clamped(load16(data + i), least, most));
    const int rest = args.width - i;
    if (rest > 0) store16_first(data + i, rest, clamped(load16_first(data + i, rest), least, most));
  }
}

}  // namespace

mk_status clamp(Runtime& runtime, const mk_clamp_args& args) {
  parallel_for(runtime, args.rows, 0.2 * args.rows * args.width, clamp_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

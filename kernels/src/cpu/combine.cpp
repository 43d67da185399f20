// The experts' result rows, weighted and added to the residual.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

void combine_row(const mk_combine_args& args, int64_t row) {
  const float* const* results = args.result_of_pair + row * args.top_k;
  const float* weights = args.weights + row * args.top_k;
  float* residual = args.residual + row * args.stride;
  int32_t i = 0;
  for (; i + 16 <= args.hidden; i += 16) {
    Lanes16 sum = splat16(0.0f);
    for (int32_t k = 0; k < args.top_k; ++k) sum = fma(set1(weights[k]), load16(results[k] + i), sum);
    store16(residual + i, add(load16(residual + i), sum));
  }
  if (i == args.hidden) return;
  const int rest = args.hidden - i;
  Lanes16 sum = splat16(0.0f);
  for (int32_t k = 0; k < args.top_k; ++k) sum = fma(set1(weights[k]), load16_first(results[k] + i, rest), sum);
  store16_first(residual + i, rest, add(load16_first(residual + i, rest), sum));
}

void combine_rows(const void* job, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) combine_row(*static_cast<const mk_combine_args*>(job), row);
}

}  // namespace

mk_status combine(Runtime& runtime, const mk_combine_args& args) {
  parallel_for(runtime, args.rows, 0.4 * args.rows * args.top_k * args.hidden, combine_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

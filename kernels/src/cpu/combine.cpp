// The experts' result rows, weighted and added to the residual, and the shared row with them.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

// `load` reads sixteen features of a row from feature i on.
template <typename Load>
MK_INLINE Lanes16 sum_of(const mk_combine_args& args, int64_t row, V shared_weight, const Load& load) {
  const float* const* results = args.result_of_pair + row * args.top_k;
  const float* weights = args.weights + row * args.top_k;
  Lanes16 sum = splat16(0.0f);
  for (int32_t k = 0; k < args.top_k; ++k) sum = fma(set1(weights[k]), load(results[k]), sum);
  if (args.shared != nullptr) sum = fma(shared_weight, load(args.shared + row * args.hidden), sum);
  return sum;
}

void combine_row(const mk_combine_args& args, int64_t row) {
  const V shared_weight = args.shared_logits == nullptr ? set1(1.0f) : sigmoid_of(set1(args.shared_logits[row]));
  float* residual = args.residual + row * args.stride;
  int32_t i = 0;
  for (; i + 16 <= args.hidden; i += 16) {
    const Lanes16 sum =
        sum_of(args, row, shared_weight, [i](const float* from) MK_INLINE_LAMBDA { return load16(from + i); });
    store16(residual + i, add(load16(residual + i), sum));
  }
  if (i == args.hidden) return;
  const int rest = args.hidden - i;
  const Lanes16 sum = sum_of(args, row, shared_weight,
                             [i, rest](const float* from) MK_INLINE_LAMBDA { return load16_first(from + i, rest); });
  store16_first(residual + i, rest, add(load16_first(residual + i, rest), sum));
}

void combine_rows(const void* job, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) combine_row(*static_cast<const mk_combine_args*>(job), row);
}

}  // namespace

mk_status combine(Runtime& runtime, const mk_combine_args& args) {
  parallel_for(runtime, args.rows, 0.4 * args.rows * (args.top_k + 1) * args.hidden, combine_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

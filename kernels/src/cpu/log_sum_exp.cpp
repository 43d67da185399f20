// The normaliser of each row's log-probabilities.
#include "backend.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

float maximum_of(const float* logits, int32_t count) {
  Lanes16 most = splat16(-__builtin_inff());
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) most = max(load16(logits + i), most);
  if (i < count) most = max(keep_first(load16_first(logits + i, count - i), count - i, -__builtin_inff()), most);
  return fold_max(most);
}

void normalise_rows(const void* job, int64_t begin, int64_t end) {
  const mk_log_sum_exp_args& args = *static_cast<const mk_log_sum_exp_args*>(job);
  for (int64_t row = begin; row < end; ++row) {
    const float* logits = args.logits + row * args.stride;
    const float maximum = maximum_of(logits, args.vocabulary) + 0.0f;
    const V shift = set1(maximum);
    Doubles16 sum = zero_doubles();
    int32_t i = 0;
    for (; i + 16 <= args.vocabulary; i += 16) accumulate(sum, exp_of(sub(load16(logits + i), shift)));
    if (i < args.vocabulary) {
      const int rest = args.vocabulary - i;
      accumulate(sum, keep_first(exp_of(sub(load16_first(logits + i, rest), shift)), rest, 0.0f));
    }
    args.maximum[row] = maximum;
    const double whole = log_of_sum(maximum, fold_sum(sum));
    args.log_sum_exp[row] = whole;
    if (args.best != nullptr) args.best[row] = best_of(logits, args.vocabulary, maximum, whole);
  }
}

}  // namespace

mk_status log_sum_exp(Runtime& runtime, const mk_log_sum_exp_args& args) {
  parallel_for_grain(runtime, args.rows, 1, 0.6 * args.rows * args.vocabulary, normalise_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

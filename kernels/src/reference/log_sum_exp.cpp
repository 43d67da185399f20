// The normaliser of each row's log-probabilities.
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status log_sum_exp(Runtime&, const mk_log_sum_exp_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* logits = args.logits + row * args.stride;
    float maximum = logits[0];
    for (int32_t i = 1; i < args.vocabulary; ++i) maximum = max_of(logits[i], maximum);
    maximum += 0.0f;  // Of zeros of both signs any may have won; +0 stands for them.
    double lanes[16] = {};
    for (int32_t i = 0; i < args.vocabulary; ++i) lanes[i % 16] += static_cast<double>(exp_of(logits[i] - maximum));
    args.maximum[row] = maximum;
    const double sum = log_of_sum(maximum, fold_sum(lanes));
    args.log_sum_exp[row] = sum;
    if (args.best != nullptr) args.best[row] = best_of(logits, args.vocabulary, maximum, sum);
  }
  return MK_OK;
}

}  // namespace mk::reference

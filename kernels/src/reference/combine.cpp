// The experts' result rows, weighted and added to the residual, and the shared row with them.
#include <cmath>

#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status combine(Runtime&, const mk_combine_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const float shared_weight = args.shared_logits == nullptr ? 1.0f : sigmoid_of(args.shared_logits[row]);
    for (int32_t i = 0; i < args.hidden; ++i) {
      float sum = 0.0f;
      for (int64_t k = 0; k < args.top_k; ++k) {
        const int64_t pair = row * args.top_k + k;
        sum = std::fma(args.weights[pair], args.result_of_pair[pair][i], sum);
      }
      if (args.shared != nullptr) sum = std::fma(shared_weight, args.shared[row * args.hidden + i], sum);
      float& residual = args.residual[row * args.stride + i];
      residual = residual + sum;
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

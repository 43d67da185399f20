// Router logits to the chosen experts and their weights.
#include <cmath>
#include <limits>

#include "backend.h"
#include "bounds.h"
#include "scalar.h"

namespace mk::reference {
namespace {

void softmax(const float* logits, int32_t count, float* scores) {
  float maximum = logits[0];
  for (int32_t i = 1; i < count; ++i) maximum = max_of(logits[i], maximum);
  float lanes[16] = {};
  for (int32_t i = 0; i < count; ++i) {
    scores[i] = exp_of(logits[i] - maximum);
    lanes[i % 16] = lanes[i % 16] + scores[i];
  }
  const float sum = fold_sum(lanes);
  for (int32_t i = 0; i < count; ++i) scores[i] = scores[i] / sum;
}

void route(const mk_gate_topk_args& args, int64_t row) {
  const float* logits = args.logits + row * args.experts;
  float scores[kMostExperts];
  if (args.router_kind == MK_ROUTER_SOFTMAX) {
    softmax(logits, args.experts, scores);
  } else {
    for (int32_t i = 0; i < args.experts; ++i) scores[i] = sigmoid_of(logits[i]);
  }

  bool chosen[kMostExperts] = {};
  for (int32_t k = 0; k < args.top_k; ++k) {
    int32_t best = -1;
    float best_key = 0.0f;
    for (int32_t i = 0; i < args.experts; ++i) {
      float key = args.correction == nullptr ? scores[i] : scores[i] + args.correction[i];
      if (std::isnan(key)) key = -std::numeric_limits<float>::infinity();
      if (chosen[i] || (best >= 0 && !(key > best_key))) continue;
      best = i;
      best_key = key;
    }
    chosen[best] = true;
  }

  int32_t* experts_out = args.experts_out + row * args.top_k;
  float* weights_out = args.weights_out + row * args.top_k;
  float sum = 0.0f;
  for (int32_t i = 0, k = 0; i < args.experts; ++i) {
    if (!chosen[i]) continue;
    experts_out[k] = i;
    weights_out[k++] = scores[i];
    sum += scores[i];
  }
  for (int32_t k = 0; k < args.top_k; ++k) {
    if (args.normalize == 1) weights_out[k] = weights_out[k] / sum;
    weights_out[k] = weights_out[k] * args.scaling;
  }
}

}  // namespace

mk_status gate_topk(Runtime&, const mk_gate_topk_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) route(args, row);
  return MK_OK;
}

}  // namespace mk::reference

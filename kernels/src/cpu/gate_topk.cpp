// Router logits to the chosen experts and their weights.
#include "backend.h"
#include "bounds.h"
#include "simd.h"

namespace mk::MK_ISA {
namespace {

float maximum_of(const float* logits, int32_t count) {
  Lanes16 most = splat16(-__builtin_inff());
  for (int32_t i = 0; i < count; i += 16) {
    most = max(keep_first(load16_first(logits + i, count - i), count - i, -__builtin_inff()), most);
  }
  return fold_max(most);
}

// Scores of `count` experts; the array is padded to whole sixteens.
void softmax(const float* logits, int32_t count, float* scores) {
  const V maximum = set1(maximum_of(logits, count));
  Lanes16 sums = splat16(0.0f);
  for (int32_t i = 0; i < count; i += 16) {
    const Lanes16 e = keep_first(exp_of(sub(load16_first(logits + i, count - i), maximum)), count - i, 0.0f);
    sums = add(sums, e);
    store16(scores + i, e);
  }
  const V sum = set1(fold_sum(sums));
  for (int32_t i = 0; i < count; i += 16) store16(scores + i, div(load16(scores + i), sum));
}

void sigmoid(const float* logits, int32_t count, float* scores) {
  for (int32_t i = 0; i < count; i += 16) store16(scores + i, sigmoid_of(load16_first(logits + i, count - i)));
}

// Keeps the best k seen so far in descending order; a later expert passes an earlier one only by a greater key.
void choose(const float* scores, const float* correction, int32_t count, int32_t k, int32_t* chosen) {
  float keys[kMostTopK];
  int32_t held = 0;
  for (int32_t i = 0; i < count; ++i) {
    float key = correction == nullptr ? scores[i] : scores[i] + correction[i];
    if (!(key == key)) key = -__builtin_inff();
    if (held == k && !(key > keys[k - 1])) continue;
    int32_t at = held < k ? held++ : k - 1;
    for (; at > 0 && key > keys[at - 1]; --at) {
      keys[at] = keys[at - 1];
      chosen[at] = chosen[at - 1];
    }
    keys[at] = key;
    chosen[at] = i;
  }
}

void sort_ascending(int32_t* values, int32_t count) {
  for (int32_t i = 1; i < count; ++i) {
    const int32_t value = values[i];
    int32_t at = i;
    for (; at > 0 && values[at - 1] > value; --at) values[at] = values[at - 1];
    values[at] = value;
  }
}

void route_rows(const void* job, int64_t begin, int64_t end) {
  const mk_gate_topk_args& args = *static_cast<const mk_gate_topk_args*>(job);
  float scores[kMostExperts];
  for (int64_t row = begin; row < end; ++row) {
    const float* logits = args.logits + row * args.experts;
    int32_t* chosen = args.experts_out + row * args.top_k;
    float* weights = args.weights_out + row * args.top_k;
    if (args.router_kind == MK_ROUTER_SOFTMAX)
      softmax(logits, args.experts, scores);
    else
      sigmoid(logits, args.experts, scores);
    choose(scores, args.correction, args.experts, args.top_k, chosen);
    sort_ascending(chosen, args.top_k);
    float sum = 0.0f;
    for (int32_t k = 0; k < args.top_k; ++k) {
      weights[k] = scores[chosen[k]];
      sum += weights[k];
    }
    for (int32_t k = 0; k < args.top_k; ++k) {
      if (args.normalize == 1) weights[k] = weights[k] / sum;
      weights[k] = weights[k] * args.scaling;
    }
  }
}

}  // namespace

mk_status gate_topk(Runtime& runtime, const mk_gate_topk_args& args) {
  if (args.groups > 1) return reference::gate_topk(runtime, args);
  parallel_for(runtime, args.rows, static_cast<double>(args.rows) * (100.0 + 3.0 * args.experts), route_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

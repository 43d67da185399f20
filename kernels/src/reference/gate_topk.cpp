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

// What selection compares: not a number comes last.
float key_of(float score) { return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score; }

// Marks the `top` greatest of `count` keys that may be chosen; ties go to the lower index.
void choose(const float* keys, int32_t count, const bool* may_be_chosen, int32_t top, bool* chosen) {
  for (int32_t k = 0; k < top; ++k) {
    int32_t best = -1;
    for (int32_t i = 0; i < count; ++i) {
      if (may_be_chosen[i] && !chosen[i] && (best < 0 || keys[i] > keys[best])) best = i;
    }
    chosen[best] = true;
  }
}

float group_key(const float* keys, int32_t size, int32_t kind) {
  float greatest = keys[0];
  float second = -std::numeric_limits<float>::infinity();
  for (int32_t i = 1; i < size; ++i) {
    const bool passes = keys[i] > greatest;
    second = passes ? greatest : max_of(keys[i], second);
    greatest = passes ? keys[i] : greatest;
  }
  return kind == MK_GROUP_MAXIMUM || size == 1 ? greatest : key_of(greatest + second);
}

// Which experts the groups of greatest score leave to choose from.
void limit_to_groups(const mk_gate_topk_args& args, const float* keys, bool* may_be_chosen) {
  const int32_t size = args.experts / args.groups;
  float group_keys[kMostExperts];
  bool all[kMostExperts], chosen[kMostExperts] = {};
  for (int32_t group = 0; group < args.groups; ++group) {
    group_keys[group] = group_key(keys + group * size, size, args.group_score);
    all[group] = true;
  }
  choose(group_keys, args.groups, all, args.top_groups, chosen);
  for (int32_t i = 0; i < args.experts; ++i) may_be_chosen[i] = chosen[i / size];
}

void route(const mk_gate_topk_args& args, int64_t row) {
  const float* logits = args.logits + row * args.experts;
  float scores[kMostExperts];
  if (args.router_kind == MK_ROUTER_SOFTMAX) {
    softmax(logits, args.experts, scores);
  } else {
    for (int32_t i = 0; i < args.experts; ++i) scores[i] = sigmoid_of(logits[i]);
  }

  float keys[kMostExperts];
  bool may_be_chosen[kMostExperts], chosen[kMostExperts] = {};
  for (int32_t i = 0; i < args.experts; ++i) {
    keys[i] = key_of(args.correction == nullptr ? scores[i] : scores[i] + args.correction[i]);
    may_be_chosen[i] = true;
  }
  if (args.groups > 1) limit_to_groups(args, keys, may_be_chosen);
  choose(keys, args.experts, may_be_chosen, args.top_k, chosen);

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

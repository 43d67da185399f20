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

// What selection compares: not a number comes last.
MK_INLINE float key_of(float key) { return key == key ? key : -__builtin_inff(); }

struct Keys {
  const float* scores;
  const float* correction;  // or null
  MK_INLINE_MEMBER float operator[](int32_t i) const {
    return key_of(correction == nullptr ? scores[i] : scores[i] + correction[i]);
  }
};

// The best `most` seen so far in descending order; a later expert passes an earlier one only by a greater key.
struct Choice {
  int32_t* chosen;
  int32_t most;
  int32_t held;
  float keys[kMostTopK];
};

void choose(const Keys& keys, int32_t begin, int32_t end, Choice& choice) {
  for (int32_t i = begin; i < end; ++i) {
    const float key = keys[i];
    if (choice.held == choice.most && !(key > choice.keys[choice.most - 1])) continue;
    int32_t at = choice.held < choice.most ? choice.held++ : choice.most - 1;
    for (; at > 0 && key > choice.keys[at - 1]; --at) {
      choice.keys[at] = choice.keys[at - 1];
      choice.chosen[at] = choice.chosen[at - 1];
    }
    choice.keys[at] = key;
    choice.chosen[at] = i;
  }
}

float group_key(const Keys& keys, int32_t begin, int32_t size, int32_t kind) {
  float greatest = keys[begin];
  float second = -__builtin_inff();
  for (int32_t i = begin + 1; i < begin + size; ++i) {
    const float key = keys[i];
    if (key > greatest) {
      second = greatest;
      greatest = key;
    } else if (key > second) {
      second = key;
    }
  }
  return kind == MK_GROUP_MAXIMUM || size == 1 ? greatest : key_of(greatest + second);
}

// Chooses from the groups of greatest score only, which are few.
void choose_in_groups(const mk_gate_topk_args& args, const Keys& keys, Choice& choice) {
  const int32_t size = args.experts / args.groups;
  float group_keys[kMostExperts];
  bool kept[kMostExperts];
  for (int32_t group = 0; group < args.groups; ++group) {
    group_keys[group] = group_key(keys, group * size, size, args.group_score);
    kept[group] = false;
  }
  for (int32_t k = 0; k < args.top_groups; ++k) {
    int32_t best = -1;
    for (int32_t group = 0; group < args.groups; ++group) {
      if (!kept[group] && (best < 0 || group_keys[group] > group_keys[best])) best = group;
    }
    kept[best] = true;
  }
  for (int32_t group = 0; group < args.groups; ++group) {
    if (kept[group]) choose(keys, group * size, (group + 1) * size, choice);
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
    const Keys keys = {scores, args.correction};
    Choice choice;
    choice.chosen = chosen;
    choice.most = args.top_k;
    choice.held = 0;
    if (args.groups > 1)
      choose_in_groups(args, keys, choice);
    else
      choose(keys, 0, args.experts, choice);
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
  parallel_for(runtime, args.rows, static_cast<double>(args.rows) * (100.0 + 3.0 * args.experts), route_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

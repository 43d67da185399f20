// Router logits to the chosen experts and their weights. A warp takes a row; scores and keys lie in shared memory.
#pragma once

#include "numbers.h"

namespace mk::device {

MK_DEVICE float key_of(float key) { return key == key ? key : -infinity(); }

// The lane with the greatest key, of equal keys the lowest index.
MK_DEVICE void best_of_warp(float& key, int& index) {
#pragma unroll
  for (int mask = 16; mask > 0; mask /= 2) {
    const float other_key = shuffle_xor(key, mask);
    const int other = shuffle_xor(index, mask);
    if (other_key > key || (other_key == key && other < index)) {
      key = other_key;
      index = other;
    }
  }
}

// The index of the greatest of count keys, for all lanes; taken ones have a negative `taken`.
MK_DEVICE int best_index(const float* keys, const unsigned char* taken, int count) {
  float key = -infinity();
  int index = 0x7fffffff;
  for (int i = lane_id(); i < count; i += kWarp) {
    if (taken[i] == 0 && (index == 0x7fffffff || keys[i] > key)) {
      key = keys[i];
      index = i;
    }
  }
  best_of_warp(key, index);
  return index;
}

MK_DEVICE float group_key(const float* keys, int size, int kind) {
  float most = keys[0], second = -infinity();
  for (int i = 1; i < size; ++i) {
    if (keys[i] > most) {
      second = most;
      most = keys[i];
    } else if (keys[i] > second) {
      second = keys[i];
    }
  }
  return kind == MK_GROUP_MAXIMUM || size == 1 ? most : key_of(most + second);
}

// Dynamic shared memory: scores[experts], keys[experts], group_keys[groups], taken[experts], group_taken[groups].
MK_KERNEL mk_gate_topk_kernel(mk_gate_topk_args args) {
  begin_kernel();
  float* scores = reinterpret_cast<float*>(dynamic_shared());
  float* keys = scores + args.experts;
  float* group_keys = keys + args.experts;
  unsigned char* taken = reinterpret_cast<unsigned char*>(group_keys + args.groups);
  unsigned char* group_taken = taken + args.experts;
  const int64_t row = block_x();
  const float* logits = args.logits + row * args.experts;
  int32_t* chosen = args.experts_out + row * args.top_k;
  float* weights = args.weights_out + row * args.top_k;

  if (args.router_kind == MK_ROUTER_SOFTMAX) {
    float most = -infinity();
    for (int i = lane_id(); i < args.experts; i += kWarp) most = greater(logits[i], most);
    most = warp_max(most);
    float sum = 0.0f;
    for (int i = lane_id(); i < args.experts; i += kWarp) {
      scores[i] = exp_of(logits[i] - most);
      sum = sum + scores[i];
    }
    sum = warp_sum(sum);
    for (int i = lane_id(); i < args.experts; i += kWarp) scores[i] = scores[i] / sum;
  } else {
    for (int i = lane_id(); i < args.experts; i += kWarp) scores[i] = sigmoid_of(logits[i]);
  }
  for (int i = lane_id(); i < args.experts; i += kWarp) {
    keys[i] = key_of(args.correction == nullptr ? scores[i] : scores[i] + args.correction[i]);
    taken[i] = args.groups > 1 ? 1 : 0;
  }
  sync_warp();
  if (args.groups > 1) {
    const int size = args.experts / args.groups;
    for (int g = lane_id(); g < args.groups; g += kWarp) {
      group_keys[g] = group_key(keys + g * size, size, args.group_score);
      group_taken[g] = 0;
    }
    sync_warp();
    for (int k = 0; k < args.top_groups; ++k) {
      const int g = best_index(group_keys, group_taken, args.groups);
      for (int i = lane_id(); i < size; i += kWarp) taken[g * size + i] = 0;
      sync_warp();
      if (lane_id() == 0) group_taken[g] = 1;
      sync_warp();
    }
  }
  // What is chosen is marked 2; the marks are then read in ascending order.
  for (int k = 0; k < args.top_k; ++k) {
    const int best = best_index(keys, taken, args.experts);
    if (lane_id() == 0) taken[best] = 2;
    sync_warp();
  }
  if (lane_id() != 0) return;
  float sum = 0.0f;
  for (int i = 0, k = 0; k < args.top_k; ++i) {
    if (taken[i] != 2) continue;
    chosen[k] = i;
    sum = sum + scores[i];
    ++k;
  }
  for (int k = 0; k < args.top_k; ++k) {
    float weight = scores[chosen[k]];
    if (args.normalize == 1) weight = weight / sum;
    weights[k] = weight * args.scaling;
  }
}

}  // namespace mk::device

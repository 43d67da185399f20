// Where a position's keys and values lie in the paged cache. Plain index arithmetic, shared by every backend; `static`
// for the reason in numbers.h.
#pragma once

#include <cstdint>

#include "numbers.h"

namespace mk {

struct KvShape {
  int32_t kv_heads;
  int32_t head_dim;
  int32_t is_latent;
};

// Elements of one KV head's keys, or values, in one block.
static inline uint64_t kv_head_elements(const KvShape& shape) {
  return static_cast<uint64_t>(shape.head_dim) * MK_KV_BLOCK_TOKENS;
}

// Keys [head_dim][16] of one KV head in one block, in elements from the cache's start.
static inline uint64_t key_tile(const KvShape& shape, int32_t block, int32_t kv_head) {
  const uint64_t tiles_per_head = shape.is_latent != 0 ? 1 : 2;
  const uint64_t tiles = static_cast<uint64_t>(block) * tiles_per_head * static_cast<uint64_t>(shape.kv_heads) +
                         static_cast<uint64_t>(kv_head);
  return tiles * kv_head_elements(shape);
}

// Values [16][head_dim], likewise. A latent cache has none.
static inline uint64_t value_tile(const KvShape& shape, int32_t block, int32_t kv_head) {
  return key_tile(shape, block, kv_head) + static_cast<uint64_t>(shape.kv_heads) * kv_head_elements(shape);
}

// The first position that a row attends to.
static inline int32_t window_begin(int32_t position, int32_t window) {
  return window == 0 || window > position ? 0 : position - window + 1;
}

}  // namespace mk

// Where a position's keys and values lie in the paged cache. Plain index arithmetic, shared by every backend; `static`
// for the reason in numbers.h.
#pragma once

#include <cstdint>

#include "numbers.h"

namespace mk {

struct KvShape {
  int32_t kv_heads;
  int32_t head_dim;
  int32_t dtype;
};

// Elements of one KV head's keys, or values, in one block.
static inline uint64_t kv_head_elements(const KvShape& shape) {
  return static_cast<uint64_t>(shape.head_dim) * MK_KV_BLOCK_TOKENS;
}

// Keys [head_dim][16] of one KV head in one block, in elements from the cache's start.
static inline uint64_t key_tile(const KvShape& shape, int32_t block, int32_t kv_head) {
  const uint64_t tiles =
      static_cast<uint64_t>(block) * 2 * static_cast<uint64_t>(shape.kv_heads) + static_cast<uint64_t>(kv_head);
  return tiles * kv_head_elements(shape);
}

// Values [16][head_dim], likewise.
static inline uint64_t value_tile(const KvShape& shape, int32_t block, int32_t kv_head) {
  return key_tile(shape, block, kv_head) + static_cast<uint64_t>(shape.kv_heads) * kv_head_elements(shape);
}

}  // namespace mk

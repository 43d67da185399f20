// New keys and values into the paged cache.
#include "backend.h"
#include "kv_cache.h"

namespace mk::reference {

mk_status kv_write(Runtime&, const mk_kv_write_args& args) {
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  for (int64_t row = 0; row < args.rows; ++row) {
    const int32_t position = args.positions[row];
    const int32_t lane = position % MK_KV_BLOCK_TOKENS;
    const int32_t* table =
        args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride;
    const int32_t block = table[position / MK_KV_BLOCK_TOKENS];
    for (int32_t head = 0; head < args.kv_heads; ++head) {
      const float* key = args.keys + row * args.stride + static_cast<int64_t>(head) * args.head_dim;
      for (int32_t d = 0; d < args.head_dim; ++d) {
        const uint64_t at = key_tile(shape, block, head) + static_cast<uint64_t>(d * MK_KV_BLOCK_TOKENS + lane);
        store_from_float(args.cache, at, args.kv_dtype, key[d]);
      }
      if (args.is_latent != 0) continue;
      const float* value = args.values + row * args.stride + static_cast<int64_t>(head) * args.head_dim;
      for (int32_t d = 0; d < args.head_dim; ++d) {
        const uint64_t at = value_tile(shape, block, head) + static_cast<uint64_t>(lane * args.head_dim + d);
        store_from_float(args.cache, at, args.kv_dtype, value[d]);
      }
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

// New keys and values into the paged cache. Rows may be written by different threads: no two rows of a call share a
// position.
#include "backend.h"
#include "kv_cache.h"

namespace mk::MK_ISA {
namespace {

template <typename Stored>
Stored stored_of(float value);
template <>
float stored_of<float>(float value) {
  return value;
}
template <>
uint16_t stored_of<uint16_t>(float value) {
  return bf16_of_float(value);
}

template <typename Stored>
void write_row(const mk_kv_write_args& args, int64_t row) {
  const KvShape shape = {args.kv_heads, args.head_dim, args.is_latent};
  const int32_t position = args.positions[row];
  const int32_t lane = position % MK_KV_BLOCK_TOKENS;
  const int32_t* table = args.block_tables + static_cast<int64_t>(args.sequence_of_row[row]) * args.block_table_stride;
  const int32_t block = table[position / MK_KV_BLOCK_TOKENS];
  Stored* cache = static_cast<Stored*>(args.cache);
  for (int32_t head = 0; head < args.kv_heads; ++head) {
    const int64_t offset = row * args.stride + static_cast<int64_t>(head) * args.head_dim;
    Stored* keys = cache + key_tile(shape, block, head) + lane;
    for (int32_t d = 0; d < args.head_dim; ++d) keys[d * MK_KV_BLOCK_TOKENS] = stored_of<Stored>(args.keys[offset + d]);
    if (args.is_latent != 0) continue;
    Stored* values = cache + value_tile(shape, block, head) + static_cast<int64_t>(lane) * args.head_dim;
    for (int32_t d = 0; d < args.head_dim; ++d) values[d] = stored_of<Stored>(args.values[offset + d]);
  }
}

void write_rows(const void* job, int64_t begin, int64_t end) {
  const mk_kv_write_args& args = *static_cast<const mk_kv_write_args*>(job);
  for (int64_t row = begin; row < end; ++row) {
    if (args.kv_dtype == MK_F32)
      write_row<float>(args, row);
    else
      write_row<uint16_t>(args, row);
  }
}

}  // namespace

mk_status kv_write(Runtime& runtime, const mk_kv_write_args& args) {
  parallel_for(runtime, args.rows, 2.0 * args.rows * args.kv_heads * args.head_dim, write_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

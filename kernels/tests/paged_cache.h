// A paged KV cache with shuffled blocks and several sequences, for the tests of its writer and its reader. What has not
// been written is NaN, so that reading it shows.
#pragma once

#include "harness.h"

namespace mk::test {

struct PagedCache {
  PagedCache(uint64_t seed, const std::vector<int32_t>& lengths, int32_t kv_heads_, int32_t head_dim_, int32_t dtype_,
             int32_t is_latent_ = 0)
      : kv_heads(kv_heads_),
        head_dim(head_dim_),
        dtype(dtype_),
        is_latent(is_latent_),
        sequences(static_cast<int32_t>(lengths.size())) {
    Random random(seed);
    for (int32_t length : lengths) stride = std::max(stride, (length + MK_KV_BLOCK_TOKENS - 1) / MK_KV_BLOCK_TOKENS);
    blocks = sequences * stride + 3;
    std::vector<int32_t> free;
    for (int32_t block = 0; block < blocks; ++block) free.push_back(block);
    for (int32_t i = blocks - 1; i > 0; --i)
      std::swap(free[static_cast<size_t>(i)], free[static_cast<size_t>(random.below(i + 1))]);
    tables.assign(free.begin(), free.begin() + sequences * stride);
    bytes.assign(static_cast<size_t>(blocks) * mk_kv_block_bytes(kv_heads, head_dim, is_latent, dtype),
                 0xff);  // NaN in both types
    for (int32_t sequence = 0; sequence < sequences; ++sequence) {
      for (int32_t position = 0; position < lengths[static_cast<size_t>(sequence)]; ++position) {
        sequence_of_row.push_back(sequence);
        positions.push_back(position);
      }
    }
    const int64_t values_count = static_cast<int64_t>(positions.size()) * kv_heads * head_dim;
    keys = random.numbers(values_count);
    values = is_latent != 0 ? std::vector<float>() : random.numbers(values_count);
  }

  int32_t rows() const { return static_cast<int32_t>(positions.size()); }
  int32_t row_width() const { return kv_heads * head_dim; }

  mk_kv_write_args write_args(int32_t begin, int32_t end) {
    mk_kv_write_args args = {};
    args.keys = keys.data() + static_cast<int64_t>(begin) * row_width();
    args.values = values.empty() ? nullptr : values.data() + static_cast<int64_t>(begin) * row_width();
    args.cache = bytes.data();
    args.block_tables = tables.data();
    args.sequence_of_row = sequence_of_row.data() + begin;
    args.positions = positions.data() + begin;
    args.rows = end - begin;
    args.stride = row_width();
    args.kv_heads = kv_heads;
    args.head_dim = head_dim;
    args.kv_dtype = dtype;
    args.block_count = blocks;
    args.sequences = sequences;
    args.block_table_stride = stride;
    args.is_latent = is_latent;
    return args;
  }

  void write(mk_context* context) {
    const mk_kv_write_args args = write_args(0, rows());
    ASSERT_EQ(mk_kv_write(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
  }

  // What attention reads as the value of a row: of a latent cache its key.
  const std::vector<float>& read_as_values() const { return is_latent != 0 ? keys : values; }

  int32_t kv_heads, head_dim, dtype, is_latent, sequences;
  int32_t stride = 1;
  int32_t blocks = 0;
  std::vector<int32_t> tables, sequence_of_row, positions;
  std::vector<float> keys, values;  // [rows, kv_heads, head_dim]; a latent cache has no values
  std::vector<unsigned char> bytes;
};

}  // namespace mk::test

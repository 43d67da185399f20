#include "paged_cache.h"

namespace mk::test {
namespace {

class KvWrite : public FastBackend {};
MK_FAST_BACKENDS(KvWrite);

TEST_P(KvWrite, GeneratedShapes_GiveTheReferencesBytes) {
  Random random(13);
  for (int32_t i = 0; i < 30; ++i) {
    const std::vector<int32_t> lengths = {random.below(40), random.below(40), 1 + random.below(400)};
    const int32_t kv_heads = 1 + random.below(4), head_dim = 1 + random.below(70), dtype = i % 2, is_latent = i % 3 / 2;
    PagedCache expected(static_cast<uint64_t>(i), lengths, kv_heads, head_dim, dtype, is_latent);
    expected.write(reference());
    for (const Context& context : contexts()) {
      PagedCache actual(static_cast<uint64_t>(i), lengths, kv_heads, head_dim, dtype, is_latent);
      actual.write(context.get());
      ASSERT_TRUE(same_bits(expected.bytes, actual.bytes)) << "case " << i;
    }
  }
}

TEST(KvWriteReference, KeysLieByFeatureAndValuesByPosition) {
  PagedCache cache(1, {18}, 2, 3, MK_F32);
  cache.write(reference());
  const float* floats = reinterpret_cast<const float*>(cache.bytes.data());
  for (int32_t position = 0; position < 18; ++position) {
    const int64_t block = cache.tables[static_cast<size_t>(position / 16)];
    for (int32_t head = 0; head < 2; ++head) {
      for (int32_t d = 0; d < 3; ++d) {
        const size_t from = static_cast<size_t>((position * 2 + head) * 3 + d);
        EXPECT_EQ(cache.keys[from], floats[((block * 2 * 2 + head) * 3 + d) * 16 + position % 16]);
        EXPECT_EQ(cache.values[from], floats[((block * 2 + 1) * 2 + head) * 16 * 3 + position % 16 * 3 + d]);
      }
    }
  }
}

TEST(KvWriteReference, LatentCache_HoldsKeysOnly) {
  PagedCache cache(1, {18}, 2, 3, MK_F32, 1);
  cache.write(reference());
  const float* floats = reinterpret_cast<const float*>(cache.bytes.data());
  for (int32_t position = 0; position < 18; ++position) {
    const int64_t block = cache.tables[static_cast<size_t>(position / 16)];
    for (int32_t i = 0; i < 6; ++i)  // head and feature
      EXPECT_EQ(cache.keys[static_cast<size_t>(position * 6 + i)], floats[(block * 6 + i) * 16 + position % 16]);
  }
}

TEST(KvWriteReference, BFloat16_RoundsToNearestEven) {
  PagedCache cache(1, {1}, 1, 4, MK_BF16);
  cache.keys = {1.0f + 0x1p-8f, 1.0f + 0x1.8p-7f, 1.0f + 0x1.01p-8f, -1.0f - 0x1p-8f};
  cache.write(reference());
  const uint16_t* stored = reinterpret_cast<const uint16_t*>(cache.bytes.data()) + cache.tables[0] * 2 * 4 * 16;
  EXPECT_EQ(stored[0], 0x3f80);   // a tie, to even below
  EXPECT_EQ(stored[16], 0x3f82);  // a tie, to even above
  EXPECT_EQ(stored[32], 0x3f81);
  EXPECT_EQ(stored[48], 0xbf80);
}

TEST(KvWriteReference, BadArguments_AreRefusedByNameAndWriteNothing) {
  PagedCache cache(1, {5, 5}, 1, 4, MK_F32);
  const std::vector<unsigned char> before = cache.bytes;
  const mk_kv_write_args good = cache.write_args(0, cache.rows());
  mk_kv_write_args args = good;
  args.block_count = 1;
  cache.tables[1] = 1;
  EXPECT_REFUSED(mk_kv_write(reference(), nullptr, &args), "block_tables");
  args = good;
  args.sequences = 1;
  EXPECT_REFUSED(mk_kv_write(reference(), nullptr, &args), "sequence_of_row[5]");
  args = good;
  cache.positions[2] = 16;
  EXPECT_REFUSED(mk_kv_write(reference(), nullptr, &args), "positions[2]");
  cache.positions[2] = -1;
  EXPECT_REFUSED(mk_kv_write(reference(), nullptr, &args), "positions[2]");
  cache.positions[2] = 2;
  args.values = nullptr;
  EXPECT_REFUSED(mk_kv_write(reference(), nullptr, &args), "values");
  args = good;
  args.kv_dtype = MK_F16;
  EXPECT_EQ(mk_kv_write(reference(), nullptr, &args), MK_UNSUPPORTED);
  EXPECT_TRUE(same_bits(before, cache.bytes));
  EXPECT_EQ(mk_kv_block_bytes(2, 3, 0, MK_F16), 0u);
  EXPECT_EQ(mk_kv_block_bytes(2, 3, 0, MK_BF16), 2u * 2 * 3 * 16 * 2);
  EXPECT_EQ(mk_kv_block_bytes(2, 3, 1, MK_BF16), 2u * 3 * 16 * 2);
}

}  // namespace
}  // namespace mk::test

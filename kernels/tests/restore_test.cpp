// Packed weights that come back from a file.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "harness.h"

namespace mk::test {
namespace {

// A file in memory that begins with a weight's bytes, and goes on.
class KeptFile {
 public:
  KeptFile(const void* data, uint64_t bytes) : file_(memfd_create("weight", 0)) {
    const uint64_t more = 0x1122334455667788u;
    EXPECT_EQ(pwrite(file_, data, bytes, 0), static_cast<ssize_t>(bytes));
    EXPECT_EQ(pwrite(file_, &more, sizeof more, static_cast<off_t>(bytes)), static_cast<ssize_t>(sizeof more));
  }
  ~KeptFile() { close(file_); }
  int descriptor() const { return file_; }

 private:
  int file_;
};

Weight packed_of(const std::vector<float>& values, int32_t rows, int32_t columns, int32_t dtype) {
  const mk_matrix source = plain_matrix(values.data(), MK_F32, rows);
  mk_weight* weight = nullptr;
  EXPECT_EQ(mk_weight_pack(reference(), &source, 1, columns, dtype, &weight), MK_OK) << mk_last_error();
  return Weight(weight);
}

Weight restored_of(const KeptFile& file, int32_t rows, int32_t columns, int32_t dtype, uint64_t bytes) {
  mk_weight* weight = nullptr;
  EXPECT_EQ(mk_weight_restore(reference(), rows, columns, dtype, file.descriptor(), bytes, &weight), MK_OK)
      << mk_last_error();
  return Weight(weight);
}

void settle(mk_weight* weight) {
  while (mk_weight_settle(weight) != 0) {
  }
}

TEST(Restore, Bytes_AreTheSameWeight) {
  const int32_t rows = 45, columns = 96;
  const std::vector<float> values = Random(3).numbers(int64_t{rows} * columns);
  for (int32_t dtype : {MK_F32, MK_BF16, MK_INT8, MK_INT4}) {
    const Weight packed = packed_of(values, rows, columns, dtype);
    const uint64_t bytes = mk_weight_bytes(packed.get());
    const KeptFile file(mk_weight_data(packed.get()), bytes);
    const Weight restored = restored_of(file, rows, columns, dtype, bytes);
    EXPECT_EQ(std::memcmp(mk_weight_data(packed.get()), mk_weight_data(restored.get()), bytes), 0);
    EXPECT_EQ(mk_weight_checksum(packed.get()), mk_weight_checksum(restored.get()));
    settle(restored.get());
    EXPECT_EQ(std::memcmp(mk_weight_data(packed.get()), mk_weight_data(restored.get()), bytes), 0);
  }
}

TEST(Restore, WrongSizesAndFiles_AreRefused) {
  const int32_t rows = 45, columns = 96;
  const std::vector<float> values = Random(3).numbers(int64_t{rows} * columns);
  const Weight packed = packed_of(values, rows, columns, MK_BF16);
  const uint64_t bytes = mk_weight_bytes(packed.get());
  const KeptFile file(mk_weight_data(packed.get()), bytes), half(mk_weight_data(packed.get()), bytes / 2);
  mk_weight* none = nullptr;
  const auto restore = [&](int32_t r, int32_t c, int32_t dtype, int descriptor, uint64_t length) {
    return mk_weight_restore(reference(), r, c, dtype, descriptor, length, &none);
  };
  EXPECT_REFUSED(restore(rows, columns, MK_BF16, file.descriptor(), bytes - 1), "bytes");
  EXPECT_REFUSED(restore(rows, columns + 32, MK_BF16, file.descriptor(), bytes), "bytes");
  EXPECT_REFUSED(restore(0, columns, MK_BF16, file.descriptor(), bytes), "rows");
  EXPECT_REFUSED(restore(rows, columns, MK_BF16, half.descriptor(), bytes), "file");
  EXPECT_REFUSED(restore(rows, columns, MK_BF16, -1, bytes), "file");
  EXPECT_EQ(restore(rows, columns, MK_F16, file.descriptor(), bytes), MK_UNSUPPORTED);
  EXPECT_EQ(none, nullptr);
}

// Of several parts and a tail, none of them a whole number of pages.
TEST(Restore, LargeWeight_IsReadWhileItSettles) {
  const int32_t rows = 2016, columns = 5003;
  const Weight packed = packed_of(Random(5).numbers(int64_t{rows} * columns), rows, columns, MK_F32);
  const uint64_t bytes = mk_weight_bytes(packed.get());
  ASSERT_GT(bytes, 2u << 24);
  const KeptFile file(mk_weight_data(packed.get()), bytes);
  for (int32_t round = 0; round < 4; ++round) {
    const Weight restored = restored_of(file, rows, columns, MK_F32, bytes);
    std::atomic<bool> settled = false;
    std::atomic<int32_t> reads = 0;
    std::thread reader([&] {
      for (bool last = false; !last; ++reads) {
        last = settled.load();
        EXPECT_EQ(std::memcmp(mk_weight_data(packed.get()), mk_weight_data(restored.get()), bytes), 0);
      }
    });
    while (reads.load() == 0) std::this_thread::yield();  // until it is under way
    settle(restored.get());
    settled = true;
    reader.join();
    EXPECT_EQ(mk_weight_settle(restored.get()), 0);  // nothing is left to do
    EXPECT_EQ(std::memcmp(mk_weight_data(packed.get()), mk_weight_data(restored.get()), bytes), 0);
  }
}

TEST(Restore, SettledWeight_NeedsItsFileNoMore) {
  const int32_t rows = 2048, columns = 1024;
  const Weight packed = packed_of(Random(6).numbers(int64_t{rows} * columns), rows, columns, MK_BF16);
  const uint64_t bytes = mk_weight_bytes(packed.get());
  const KeptFile file(mk_weight_data(packed.get()), bytes);
  const Weight restored = restored_of(file, rows, columns, MK_BF16, bytes);
  settle(restored.get());
  ASSERT_EQ(ftruncate(file.descriptor(), 0), 0);  // a page of it that was still mapped would end this program
  EXPECT_EQ(std::memcmp(mk_weight_data(packed.get()), mk_weight_data(restored.get()), bytes), 0);
}

// Of every length of the last step, each bit of it; and of the two places that one chain adds one after the other.
TEST(Restore, Checksum_TellsEveryBitAndTheLength) {
  const int32_t columns = 1;
  uint64_t before = 0;
  for (int32_t rows : {32, 64, 96}) {
    const Weight packed = packed_of(Random(8).numbers(rows), rows, columns, MK_F32);
    const uint64_t bytes = mk_weight_bytes(packed.get()), whole = mk_weight_checksum(packed.get());
    EXPECT_NE(whole, before);
    before = whole;
    std::vector<unsigned char> copy(bytes);
    for (uint64_t bit = 0; bit < 8 * bytes; ++bit) {
      std::memcpy(copy.data(), mk_weight_data(packed.get()), bytes);
      copy[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
      EXPECT_NE(mk_weight_checksum(restored_of({copy.data(), bytes}, rows, columns, MK_F32, bytes).get()), whole)
          << bit;
      if (bit / 8 + 64 >= bytes) continue;
      copy[bit / 8 + 64] ^= static_cast<unsigned char>(1u << bit % 8);
      EXPECT_NE(mk_weight_checksum(restored_of({copy.data(), bytes}, rows, columns, MK_F32, bytes).get()), whole)
          << bit;
    }
  }
}

TEST(Restore, Experts_AreTheSameExperts) {
  const int32_t hidden = 512, width = 96, count = 12;
  Random random(7);
  std::vector<std::vector<float>> matrices;
  for (int32_t i = 0; i < 3 * count; ++i) matrices.push_back(random.numbers(int64_t{hidden} * width));
  std::vector<mk_expert_matrices> sources;
  for (size_t i = 0; i < matrices.size(); i += 3)
    sources.push_back(plain_expert(matrices[i].data(), matrices[i + 1].data(), matrices[i + 2].data(), hidden, width));
  mk_experts_shape shape = {};
  shape.count = count;
  shape.hidden = hidden;
  shape.width = width;
  shape.dtype = MK_F32;
  mk_experts *packed = nullptr, *restored = nullptr;
  ASSERT_EQ(mk_experts_pack(reference(), &shape, sources.data(), &packed), MK_OK) << mk_last_error();
  const uint64_t bytes = mk_experts_bytes(packed);
  const KeptFile file(mk_experts_data(packed), bytes);
  EXPECT_REFUSED(mk_experts_restore(reference(), &shape, 1, 0, file.descriptor(), bytes, &restored), "bytes");
  ASSERT_EQ(mk_experts_restore(reference(), &shape, 0, 0, file.descriptor(), bytes, &restored), MK_OK)
      << mk_last_error();
  while (mk_experts_settle(restored) != 0) {
  }
  EXPECT_EQ(mk_experts_checksum(packed), mk_experts_checksum(restored));
  EXPECT_EQ(std::memcmp(mk_experts_data(packed), mk_experts_data(restored), bytes), 0);
  mk_experts_free(packed);
  mk_experts_free(restored);
}

}  // namespace
}  // namespace mk::test

#include "harness.h"

namespace mk::test {
namespace {

struct EmbedCase {
  EmbedCase(uint64_t seed, int32_t rows, int32_t vocabulary, int32_t hidden, int32_t dtype)
      : vocabulary_(vocabulary), hidden_(hidden), dtype_(dtype) {
    Random random(seed);
    const std::vector<float> table = random.numbers(static_cast<int64_t>(vocabulary) * hidden);
    stored_.resize(table.size() * (dtype == MK_F32 ? 4 : 2));
    if (dtype == MK_F32) {
      std::memcpy(stored_.data(), table.data(), stored_.size());
    } else {
      // Any finite pattern will do for F16 as well: what matters is how it is read.
      std::vector<uint16_t> halves = to_bf16(table);
      for (uint16_t& half : halves) half = dtype == MK_F16 ? static_cast<uint16_t>(random.bits() & 0xfbffu) : half;
      std::memcpy(stored_.data(), halves.data(), stored_.size());
    }
    for (int32_t i = 0; i < rows; ++i) ids_.push_back(random.below(vocabulary));
  }

  int32_t rows() const { return static_cast<int32_t>(ids_.size()); }

  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    std::vector<float> out(static_cast<size_t>((end - begin) * hidden_));
    const mk_embed_args args = {stored_.data(), ids_.data() + begin, out.data(), dtype_,
                                vocabulary_,    end - begin,         hidden_};
    EXPECT_EQ(mk_embed(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    return out;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, hidden_); }

 private:
  int32_t vocabulary_, hidden_, dtype_;
  std::vector<unsigned char> stored_;
  std::vector<int32_t> ids_;
};

class Embed : public FastBackend {};
MK_FAST_BACKENDS(Embed);

TEST_P(Embed, GeneratedShapes_GiveTheReferencesBits) {
  Random random(7);
  for (int32_t i = 0; i < 45; ++i) {
    const EmbedCase c(static_cast<uint64_t>(i), random.below(33), 1 + random.below(50), 1 + random.below(90), i % 3);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(EmbedCase(1, 200, 40, 512, MK_BF16), "rows that threads share");
}

TEST(EmbedReference, HalfPrecision_IsReadExactly) {
  const std::vector<uint16_t> table = {0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x0400};
  const std::vector<int32_t> ids = {0};
  std::vector<float> out(table.size());
  const mk_embed_args args = {table.data(), ids.data(), out.data(), MK_F16, 1, 1, static_cast<int32_t>(table.size())};
  ASSERT_EQ(mk_embed(reference(), nullptr, &args), MK_OK);
  EXPECT_TRUE(same_bits(std::vector<float>{0.0f, -0.0f, 1.0f, -2.0f, 0x1p-24f, 0x1.ff8p-15f, 65504.0f, 0x1p-14f}, out));
}

TEST(EmbedReference, IdOutsideTheVocabulary_IsRefusedAndWritesNothing) {
  const std::vector<float> table(8);
  std::vector<float> out = {5, 5, 5, 5, 5, 5, 5, 5};
  for (int32_t id : {-1, 2}) {
    const std::vector<int32_t> ids = {0, id};
    const mk_embed_args args = {table.data(), ids.data(), out.data(), MK_F32, 2, 2, 4};
    EXPECT_REFUSED(mk_embed(reference(), nullptr, &args), "ids[1]");
  }
  EXPECT_TRUE(same_bits(std::vector<float>(8, 5.0f), out));
}

}  // namespace
}  // namespace mk::test

// Checks on index arrays, and the layout of slots.
#include "piece_check.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace m2n::test {
namespace {

bool valid(const std::vector<m2n_group>& groups, uint32_t pairs) { return are_valid_groups(groups, pairs); }

TEST(PieceCheckTest, Groups_AscendAndAddUp) {
  EXPECT_TRUE(valid({}, 0));
  EXPECT_TRUE(valid({{0, 1}, {4, 2}}, 3));
  EXPECT_FALSE(valid({}, 1));
  EXPECT_FALSE(valid({{0, 1}, {4, 2}}, 4));
  EXPECT_FALSE(valid({{4, 1}, {4, 2}}, 3)) << "twice the same key";
  EXPECT_FALSE(valid({{4, 1}, {0, 2}}, 3)) << "descending";
  EXPECT_FALSE(valid({{0, 0}, {4, 3}}, 3)) << "empty group";
  EXPECT_FALSE(valid({{0, 0xffffffffu}, {1, 4}}, 3)) << "a sum that overflows 32 bits";
}

TEST(PieceCheckTest, Rows_StayBelowTheCount) {
  EXPECT_TRUE(are_valid_rows({}, 0));
  const std::vector<uint32_t> rows{0, 3, 2};
  EXPECT_TRUE(are_valid_rows(rows, 4));
  EXPECT_FALSE(are_valid_rows(rows, 3));
}

TEST(PairLayoutTest, Parts_AreAlignedAndDoNotOverlap) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto below = [&](uint32_t bound) { return 1 + static_cast<uint32_t>(random() % bound); };
    const PairSizes sizes{below(16), below(300), below(900), below(70), below(5000), below(9000)};
    const PairLayout layout = PairLayout::of(sizes);
    EXPECT_GE(layout.row_of_pair, layout.groups + uint64_t{sizes.max_groups} * 8);
    EXPECT_GE(layout.rows, layout.row_of_pair + uint64_t{sizes.max_pairs} * 4);
    EXPECT_GE(layout.result_header, layout.rows + uint64_t{sizes.max_rows} * sizes.row_bytes);
    EXPECT_GE(layout.results, layout.result_header + sizeof(ResultHeader));
    EXPECT_GE(layout.slot_bytes, layout.results + uint64_t{sizes.max_pairs} * sizes.result_bytes);
    EXPECT_GE(layout.region_bytes, sizeof(PairHeader) + layout.slot_bytes * sizes.slots);
    for (const uint64_t offset :
         {layout.groups, layout.row_of_pair, layout.rows, layout.result_header, layout.results, layout.slot_bytes})
      EXPECT_EQ(offset % kLine, 0u);
  }
}

}  // namespace
}  // namespace m2n::test

// The counter of arrived pieces, in every order that pieces can arrive.
#include "arrival.h"

#include <gtest/gtest.h>

namespace m2n::test {
namespace {

constexpr uint64_t kPiece = 1;
constexpr uint64_t kHeader = (uint64_t{1} << 32) | kPiece;

TEST(ArrivalTest, HeaderAndChunks_InAnyOrder_AreWholeOnlyTogether) {
  const uint64_t seen = Arrival::after(Arrival::after(0, 2), 5);
  // Header first.
  EXPECT_FALSE(Arrival(seen, seen).has_header());
  EXPECT_TRUE(Arrival(seen, seen + kHeader).has_header());
  EXPECT_FALSE(Arrival(seen, seen + kHeader).is_whole(3));
  EXPECT_TRUE(Arrival(seen, seen + kHeader + 2 * kPiece).is_whole(3));
  // Header last: the chunks alone say nothing.
  EXPECT_FALSE(Arrival(seen, seen + 2 * kPiece).has_header());
  EXPECT_FALSE(Arrival(seen, seen + 2 * kPiece).is_absurd());
}

TEST(ArrivalTest, After_EqualsTheSumOfTheParts) {
  EXPECT_EQ(Arrival::after(0, 3), kHeader + 2 * kPiece);
  EXPECT_EQ(Arrival::after(kHeader, 1), 2 * kHeader);
}

TEST(ArrivalTest, Halves_WrapWithoutTouchingEachOther) {
  const uint64_t last = ~uint64_t{0};
  const uint64_t next = Arrival::after(last, 2);
  EXPECT_EQ(next, uint64_t{1});
  EXPECT_TRUE(Arrival(last, next).is_whole(2));
  EXPECT_FALSE(Arrival(last, next).is_absurd());
}

TEST(ArrivalTest, WhatNoCorrectPeerWrites_IsAbsurd) {
  EXPECT_TRUE(Arrival(0, 2 * kHeader).is_absurd()) << "two headers in one slot";
  EXPECT_TRUE(Arrival(kHeader, 0).is_absurd()) << "backwards";
  EXPECT_TRUE(Arrival(0, kHeader + kMaxChunks).is_absurd()) << "too many pieces";
  EXPECT_TRUE(Arrival(0, uint64_t{1} << 32).is_absurd()) << "a header that is no piece";
  EXPECT_TRUE(Arrival(0, kHeader + 3).is_too_much(2));
}

}  // namespace
}  // namespace m2n::test

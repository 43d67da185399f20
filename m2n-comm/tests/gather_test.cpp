// The receiver's policy as a table: what has come and who is in phase in, the decision out.
#include "gather.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace m2n::test {
namespace {

constexpr uint32_t kTagCount = 8;
constexpr uint64_t kWindow = 100;

// Senders by their last tag; kNew has not been served yet, kGone is not connected.
constexpr int kNew = -1;
constexpr int kGone = -2;

struct Row {
  std::string name;
  std::vector<int> senders;
  int last_tag;  // of the receiver; kNew: nothing served
  std::vector<ReadyPiece> ready;
  uint64_t now;
  GatherDecision::Action action;
  uint32_t tag;
  uint64_t until;
};

// sender, slot, tag, pairs, version, seen
ReadyPiece piece(uint32_t sender, uint32_t tag, uint64_t seen = 1000, uint32_t slot = 0, uint64_t version = 0,
                 uint32_t pairs = 4) {
  return {sender, slot, tag, pairs, version, seen};
}

std::vector<SenderPhase> phases_of(const std::vector<int>& senders) {
  std::vector<SenderPhase> phases;
  for (const int last : senders)
    phases.push_back({last != kGone, last >= 0, last >= 0 ? static_cast<uint32_t>(last) : 0});
  return phases;
}

GatherState state_of(const std::vector<ReadyPiece>& ready, const std::vector<SenderPhase>& phases, int last_tag,
                     uint64_t now) {
  return {ready, phases,  kTagCount, last_tag >= 0, last_tag >= 0 ? static_cast<uint32_t>(last_tag) : 0,
          100,   kWindow, now};
}

class GatherTable : public testing::TestWithParam<Row> {};

TEST_P(GatherTable, Decide) {
  const Row& row = GetParam();
  const std::vector<SenderPhase> phases = phases_of(row.senders);
  const GatherDecision decision = decide(state_of(row.ready, phases, row.last_tag, row.now));
  EXPECT_EQ(decision.action, row.action);
  if (row.action != GatherDecision::kNothing) {
    EXPECT_EQ(decision.tag, row.tag);
  }
  if (row.action == GatherDecision::kWait) {
    EXPECT_EQ(decision.until_ns, row.until);
  }
}

constexpr auto kNothing = GatherDecision::kNothing;
constexpr auto kWait = GatherDecision::kWait;
constexpr auto kServe = GatherDecision::kServe;

INSTANTIATE_TEST_SUITE_P(
    Cases, GatherTable,
    testing::Values(
        Row{"NothingCame_Nothing", {3, 3}, 3, {}, 1000, kNothing, 0, 0},
        Row{"OneSender_NeverWaits", {3}, 3, {piece(0, 4)}, 1000, kServe, 4, 0},
        Row{"SecondInPhase_IsWaitedFor", {3, 3}, 3, {piece(0, 4)}, 1010, kWait, 4, 1100},
        Row{"AllInPhaseCame_ServesAtOnce", {3, 3}, 3, {piece(0, 4), piece(1, 4)}, 1010, kServe, 4, 0},
        Row{"WindowEnded_TakesWhatCame", {3, 3}, 3, {piece(0, 4)}, 1100, kServe, 4, 0},
        Row{"WindowCountsFromTheFirst", {3, 3, 3}, 3, {piece(0, 4, 1000), piece(1, 4, 1090)}, 1095, kWait, 4, 1100},
        Row{"LateSender_IsNotWaitedFor", {3, 2}, 3, {piece(0, 4)}, 1000, kServe, 4, 0},
        Row{"NewSender_IsNotWaitedFor", {3, kNew}, 3, {piece(0, 4)}, 1000, kServe, 4, 0},
        Row{"GoneSender_IsNotWaitedFor", {3, kGone}, 3, {piece(0, 4)}, 1000, kServe, 4, 0},
        Row{"FirstPieceEver_IsServed", {kNew, kNew}, kNew, {piece(1, 5)}, 1000, kServe, 5, 0},
        Row{"CyclicOrder_NextTagFirst",
            {3, kNew},
            3,
            {piece(1, 7, 900), piece(1, 5, 990), piece(0, 6, 1000)},
            2000,
            kServe,
            5,
            0},
        Row{"CyclicOrder_WrapsAround", {7, kNew}, 7, {piece(1, 7, 900), piece(0, 0, 1000)}, 2000, kServe, 0, 0},
        Row{"CyclicOrder_LastServedTagIsLast", {3, 3}, 3, {piece(0, 3, 900), piece(1, 2, 1000)}, 2000, kServe, 2, 0},
        Row{"InPhaseAcrossTheWrap", {7, 7}, 7, {piece(0, 0)}, 1000, kWait, 0, 1100},
        Row{"OtherSlotOfTheSameSender_IsNotWaitedFor", {3}, 3, {piece(0, 4, 1000, 0)}, 1000, kServe, 4, 0},
        Row{"InPhaseSender_WithAPieceOfAnotherTag_IsStillMissing",
            {3, 3},
            3,
            {piece(0, 4), piece(1, 6, 990, 1)},
            1010,
            kWait,
            4,
            1100},
        Row{"InPhaseSender_WithAnotherVersion_HasCome",
            {3, 3},
            3,
            {piece(0, 4), piece(1, 4, 1000, 0, 9)},
            1010,
            kServe,
            4,
            0},
        Row{"FullBatch_DoesNotWait", {3, 3}, 3, {piece(0, 4, 1000, 0, 0, 100)}, 1000, kServe, 4, 0}),
    [](const auto& info) { return info.param.name; });

TEST(GatherTest, NoWindow_NeverWaits) {
  const std::vector<ReadyPiece> ready{piece(0, 4)};
  const std::vector<SenderPhase> phases = phases_of({3, 3});
  GatherState state = state_of(ready, phases, 3, 1000);
  state.window_ns = 0;
  EXPECT_EQ(decide(state).action, GatherDecision::kServe);
}

TEST(GatherTest, Choose_OnePieceOfEachSender_OldestFirst) {
  const std::vector<ReadyPiece> ready{piece(1, 4, 10, 1), piece(0, 4, 20, 0), piece(1, 4, 30, 0), piece(2, 5, 40, 0),
                                      piece(2, 4, 50, 0, 8)};
  const std::vector<SenderPhase> phases = phases_of({3, 3, 3});
  uint32_t chosen[3];
  ASSERT_EQ(choose(state_of(ready, phases, 3, 1000), 4, 0, chosen), 2u);
  EXPECT_EQ(chosen[0], 0u) << "the oldest, of sender 1";
  EXPECT_EQ(chosen[1], 1u) << "not the second slot of sender 1, another tag, or another version";
}

TEST(GatherTest, Choose_StaysBelowMaxPairs_ButOnePieceAlwaysFits) {
  const std::vector<ReadyPiece> ready{piece(0, 4, 10, 0, 0, 500), piece(1, 4, 20), piece(2, 4, 30)};
  const std::vector<SenderPhase> phases = phases_of({3, 3, 3});
  uint32_t chosen[3];
  EXPECT_EQ(choose(state_of(ready, phases, 3, 1000), 4, 0, chosen), 1u);
  GatherState state = state_of(ready, phases, 3, 1000);
  state.max_pairs = 504;
  EXPECT_EQ(choose(state, 4, 0, chosen), 2u);
}

}  // namespace
}  // namespace m2n::test

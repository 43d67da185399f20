// A slot's life through the C interface, one sender and one or two receivers, on both transports.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "support.h"

namespace m2n::test {
namespace {

class SlotTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
    sender_ = open(GetParam(), M2N_SENDER, 0);
    receiver_ = open(GetParam(), M2N_RECEIVER, 0);
    ASSERT_EQ(connect(sender_.get(), 0, receiver_.get()), M2N_OK) << m2n_last_error();
  }

  m2n_ticket dispatch(uint32_t slot, const Piece& piece, uint64_t seed, uint32_t tag = 0,
                      uint64_t deadline_us = kLongUs) {
    EXPECT_EQ(write_piece(sender_.get(), slot, 0, piece, seed, sizes_), M2N_OK) << m2n_last_error();
    const m2n_message message = message_of(tag, deadline_us, 7, 9);
    m2n_ticket ticket = 0;
    EXPECT_EQ(m2n_dispatch(sender_.get(), slot, &message, &ticket), M2N_OK);
    EXPECT_NE(ticket, 0u);
    return ticket;
  }

  m2n_status receive(m2n_batch* batch, uint32_t wait_us = 1'000'000) {
    return m2n_receive(receiver_.get(), &kGather, wait_us, batch);
  }
  m2n_status combine(m2n_ticket ticket, uint32_t wait_us = 1'000'000) {
    return m2n_combine(sender_.get(), ticket, wait_us, results_.data(), static_cast<uint32_t>(results_.size()),
                       &count_);
  }

  // What the receiver has returned is here in a moment, where it comes over a network.
  void wait_until_open(uint32_t slot) {
    m2n_slot_view view;
    for (int i = 0; i < 10'000 && m2n_slot_open(sender_.get(), slot, 0, 0, 0, 0, &view) == M2N_PENDING; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const Sizes sizes_;
  Handle sender_, receiver_;
  std::array<m2n_result, 4> results_{};
  uint32_t count_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Transports, SlotTest, testing::Values(M2N_LOOPBACK, M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(SlotTest, RoundTrip_CarriesRowsCountsAndClocks) {
  const Piece piece = small_piece();
  const m2n_ticket ticket = dispatch(1, piece, 42, 3);
  EXPECT_EQ(combine(ticket, 0), M2N_PENDING);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  EXPECT_EQ(batch.count, 1u);
  EXPECT_EQ(batch.tag, 3u);
  EXPECT_EQ(batch.version, 7u);
  EXPECT_EQ(batch.pieces[0].epoch, 9u);
  EXPECT_EQ(batch.pieces[0].slot, 1u);
  EXPECT_EQ(batch.pieces[0].rows_count, 2u);
  ASSERT_TRUE(compute(batch, 0, sizes_));
  ASSERT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 1234), M2N_OK);
  ASSERT_EQ(combine(ticket), M2N_OK);
  ASSERT_EQ(count_, 1u);
  EXPECT_TRUE(check_result(results_[0], piece, 42, sizes_));
  EXPECT_EQ(results_[0].compute_ns, 1234u);
  EXPECT_GT(results_[0].hold_ns, 0u);
  EXPECT_EQ(combine(ticket), M2N_OK) << "results stay until the release";
  EXPECT_EQ(m2n_release(sender_.get(), ticket), M2N_OK);
  EXPECT_EQ(combine(ticket), M2N_INVALID);
  EXPECT_EQ(m2n_release(sender_.get(), ticket), M2N_INVALID);
}

TEST_P(SlotTest, Dispatch_WithoutPieces_IsCompleteAtOnce) {
  const m2n_message message = message_of(0);
  m2n_ticket ticket;
  ASSERT_EQ(m2n_dispatch(sender_.get(), 0, &message, &ticket), M2N_OK);
  EXPECT_EQ(combine(ticket, 0), M2N_OK);
  EXPECT_EQ(count_, 0u);
  EXPECT_EQ(m2n_release(sender_.get(), ticket), M2N_OK);
}

TEST_P(SlotTest, ZeroRows_AreAMessage) {
  const m2n_ticket ticket = dispatch(0, Piece{}, 1);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  EXPECT_EQ(batch.pieces[0].pairs, 0u);
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  EXPECT_EQ(combine(ticket), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_OK);
}

TEST_P(SlotTest, Statuses_OfTheReceiver_ReachTheSender) {
  for (const m2n_status status : {M2N_VERSION_MISSING, M2N_MISPLACED, M2N_INTERNAL}) {
    const m2n_ticket ticket = dispatch(0, small_piece(), 5);
    m2n_batch batch;
    ASSERT_EQ(receive(&batch), M2N_OK);
    ASSERT_EQ(m2n_return(receiver_.get(), &batch, status, 0), M2N_OK);
    ASSERT_EQ(combine(ticket), M2N_OK);
    EXPECT_EQ(results_[0].status, status);
    EXPECT_EQ(results_[0].rows, nullptr);
    m2n_release(sender_.get(), ticket);
  }
}

TEST_P(SlotTest, Open_Again_ReplacesThePiece) {
  ASSERT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 1, sizes_), M2N_OK);
  const Piece other{1, {{3, 1}}, {0}};
  const m2n_ticket ticket = dispatch(0, other, 2);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  EXPECT_EQ(batch.pieces[0].pairs, 1u);
  EXPECT_TRUE(compute(batch, 0, sizes_));
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(combine(ticket), M2N_OK);
  ASSERT_EQ(count_, 1u);
  EXPECT_TRUE(check_result(results_[0], other, 2, sizes_));
}

TEST_P(SlotTest, Deadline_EndsThePiece_AndClosesTheSlotUntilItReturns) {
  const m2n_ticket ticket = dispatch(0, small_piece(), 1, 0, 20'000);
  ASSERT_EQ(combine(ticket, 1'000'000), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_TIMEOUT);
  EXPECT_EQ(m2n_release(sender_.get(), ticket), M2N_OK);
  EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 2, sizes_), M2N_PENDING);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 2, sizes_), M2N_PENDING);
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  // The late result is dropped; the next round is a round like any other.
  wait_until_open(0);
  const m2n_ticket next = dispatch(0, small_piece(), 3);
  EXPECT_EQ(combine(next, 0), M2N_PENDING) << "the late result must not complete the new ticket";
  ASSERT_EQ(receive(&batch), M2N_OK);
  ASSERT_TRUE(compute(batch, 0, sizes_));
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(combine(next), M2N_OK);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 3, sizes_));
}

TEST_P(SlotTest, Release_BeforeTheResult_AbandonsThePiece) {
  m2n_release(sender_.get(), dispatch(0, small_piece(), 1));
  EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 2, sizes_), M2N_PENDING);
  const m2n_ticket other = dispatch(1, small_piece(), 4, 1);
  m2n_batch batch;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(receive(&batch), M2N_OK);
    ASSERT_TRUE(compute(batch, 0, sizes_));
    m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  }
  ASSERT_EQ(combine(other), M2N_OK);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 4, sizes_));
  wait_until_open(0);
  EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 2, sizes_), M2N_OK);
}

TEST_P(SlotTest, ReceiverLeaves_PiecesEnd_ResultsStay) {
  Handle second = open(GetParam(), M2N_RECEIVER, 1);
  ASSERT_EQ(connect(sender_.get(), 1, second.get()), M2N_OK);
  ASSERT_EQ(write_piece(sender_.get(), 0, 1, small_piece(), 8, sizes_), M2N_OK);
  const m2n_ticket ticket = dispatch(0, small_piece(), 8);
  const m2n_ticket lost = dispatch(1, small_piece(), 9);
  m2n_batch batch;
  ASSERT_EQ(m2n_receive(second.get(), &kGather, 1'000'000, &batch), M2N_OK);
  ASSERT_TRUE(compute(batch, 1, sizes_));
  m2n_return(second.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(receive(&batch), M2N_OK);
  receiver_.reset();
  second.reset();
  EXPECT_EQ(m2n_peer_state(sender_.get(), 0), M2N_PEER_LOST);
  EXPECT_EQ(m2n_peer_state(sender_.get(), 1), M2N_PEER_LOST);
  ASSERT_EQ(combine(ticket), M2N_OK);
  ASSERT_EQ(count_, 2u);
  EXPECT_EQ(results_[0].peer, 1u);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 8, sizes_))
      << "what was returned before the receiver left counts";
  EXPECT_EQ(results_[1].status, M2N_PEER_LOST);
  ASSERT_EQ(combine(lost), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_PEER_LOST);
  m2n_release(sender_.get(), lost);
  EXPECT_EQ(write_piece(sender_.get(), 1, 0, small_piece(), 2, sizes_), M2N_PEER_LOST);
}

TEST_P(SlotTest, Disconnect_EndsOpenPieces_AndResultsStayUntilRelease) {
  const m2n_ticket done = dispatch(0, small_piece(), 1);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  ASSERT_TRUE(compute(batch, 0, sizes_));
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(combine(done), M2N_OK);
  const m2n_ticket pending = dispatch(1, small_piece(), 2);
  ASSERT_EQ(m2n_disconnect(sender_.get(), 0), M2N_OK);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 1, sizes_));
  m2n_release(sender_.get(), done);
  ASSERT_EQ(combine(pending), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_PEER_LOST);
  m2n_release(sender_.get(), pending);
  // And back again: a new pair, nothing left of the old one.
  ASSERT_EQ(connect(sender_.get(), 0, receiver_.get()), M2N_OK) << m2n_last_error();
  const m2n_ticket again = dispatch(0, small_piece(), 3);
  ASSERT_EQ(receive(&batch), M2N_OK);
  ASSERT_TRUE(compute(batch, 0, sizes_));
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(combine(again), M2N_OK);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 3, sizes_));
}

TEST_P(SlotTest, SenderLeaves_WhileItsBatchIsOut_ReceiverGoesOn) {
  Handle second = open(GetParam(), M2N_SENDER, 1);
  ASSERT_EQ(connect(second.get(), 0, receiver_.get()), M2N_OK);
  dispatch(0, small_piece(), 1);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  sender_.reset();
  ASSERT_TRUE(compute(batch, 0, sizes_)) << "the rows stay mapped";
  EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 0), M2N_OK);
  EXPECT_EQ(receive(&batch, 0), M2N_PENDING);
  m2n_counters counters;
  m2n_endpoint_counters(receiver_.get(), &counters);
  EXPECT_EQ(counters.peers, 1u);
}

TEST_P(SlotTest, ReturnPiece_ThenReturn_SkipsIt) {
  Handle second = open(GetParam(), M2N_SENDER, 1);
  ASSERT_EQ(connect(second.get(), 0, receiver_.get()), M2N_OK);
  const m2n_ticket mine = dispatch(0, small_piece(), 1);
  ASSERT_EQ(write_piece(second.get(), 0, 0, small_piece(), 2, sizes_), M2N_OK);
  const m2n_message message = message_of(0, kLongUs, 7, 0);
  m2n_ticket other;
  ASSERT_EQ(m2n_dispatch(second.get(), 0, &message, &other), M2N_OK);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  ASSERT_EQ(batch.count, 2u);
  ASSERT_TRUE(compute(batch, 0, sizes_));
  EXPECT_EQ(m2n_return_piece(receiver_.get(), &batch, 1, M2N_MISPLACED, 0), M2N_OK);
  EXPECT_EQ(m2n_return_piece(receiver_.get(), &batch, 1, M2N_OK, 0), M2N_INVALID);
  EXPECT_EQ(m2n_return_piece(receiver_.get(), &batch, 2, M2N_OK, 0), M2N_INVALID);
  EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 0), M2N_OK);
  EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 0), M2N_INVALID);
  ASSERT_EQ(combine(mine), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_OK);
  ASSERT_EQ(m2n_combine(second.get(), other, 1'000'000, results_.data(), 4, &count_), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_MISPLACED);
}

TEST_P(SlotTest, Wake_EndsTheCurrentOrTheNextWait) {
  m2n_batch batch;
  m2n_wake(receiver_.get());
  EXPECT_EQ(receive(&batch), M2N_WOKEN);
  EXPECT_EQ(receive(&batch, 1000), M2N_PENDING);
  const m2n_ticket ticket = dispatch(0, small_piece(), 1);
  m2n_wake(sender_.get());
  EXPECT_EQ(combine(ticket), M2N_WOKEN);
  EXPECT_EQ(combine(ticket, 1000), M2N_PENDING);
}

TEST_P(SlotTest, OutOfContract_IsInvalid) {
  m2n_slot_view view;
  EXPECT_EQ(m2n_slot_open(sender_.get(), 2, 0, 1, 1, 1, &view), M2N_INVALID);
  EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 0, sizes_.max_rows + 1, 1, 1, &view), M2N_INVALID);
  EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 5, 1, 1, 1, &view), M2N_PEER_LOST);
  m2n_message message = message_of(0, 0);
  m2n_ticket ticket;
  EXPECT_EQ(m2n_dispatch(sender_.get(), 0, &message, &ticket), M2N_INVALID) << "no deadline";
  ticket = dispatch(0, small_piece(), 1);
  EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 0, 1, 1, 1, &view), M2N_INVALID) << "dispatched";
  EXPECT_EQ(m2n_combine(sender_.get(), ticket, 0, results_.data(), 0, &count_), M2N_INVALID) << "no room";
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  m2n_batch again;
  EXPECT_EQ(receive(&again), M2N_INVALID) << "the batch is still out";
  EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_TIMEOUT, 0), M2N_INVALID) << "not a receiver's status";
}

TEST_P(SlotTest, Counters_Count) {
  const m2n_ticket ticket = dispatch(0, small_piece(), 1);
  m2n_batch batch;
  ASSERT_EQ(receive(&batch), M2N_OK);
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  ASSERT_EQ(combine(ticket), M2N_OK);
  m2n_counters sent, received;
  m2n_endpoint_counters(sender_.get(), &sent);
  m2n_endpoint_counters(receiver_.get(), &received);
  EXPECT_EQ(sent.messages, 1u);
  EXPECT_EQ(received.messages, 1u);
  EXPECT_EQ(sent.bytes, 2u * sizes_.row_bytes + 3u * sizes_.result_bytes);
  EXPECT_EQ(received.bytes, sent.bytes);
  EXPECT_EQ(sent.peers, 1u);
}

}  // namespace
}  // namespace m2n::test

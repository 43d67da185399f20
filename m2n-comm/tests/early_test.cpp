// Rows that are told as they are written, and read before the last is there; both ways.
#include <gtest/gtest.h>

#include <thread>

#include "support.h"

namespace m2n::test {
namespace {

constexpr Sizes kBig{2, 40, 40, 4, 4096, 4096};
constexpr uint32_t kRows = 40;
constexpr m2n_gather kEarly{kTags, 0, 1u << 20, 1};

class EarlyTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
    sender_ = open(GetParam(), M2N_SENDER, 0, kBig);
    receiver_ = open(GetParam(), M2N_RECEIVER, 0, kBig);
    ASSERT_EQ(connect(sender_.get(), 0, receiver_.get()), M2N_OK) << m2n_last_error();
    ASSERT_EQ(m2n_rows_per_chunk(sender_.get(), &chunk_, &result_chunk_), M2N_OK);
    ASSERT_EQ(chunk_, 8u) << "32 KiB";
  }

  // Everything but the rows.
  m2n_ticket begin(m2n_slot_view* view) {
    EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 0, kRows, kRows, 1, view), M2N_OK) << m2n_last_error();
    view->groups[0] = {3, kRows};
    for (uint32_t pair = 0; pair < kRows; ++pair) view->row_of_pair[pair] = pair;
    const m2n_message message = message_of(0);
    m2n_ticket ticket = 0;
    EXPECT_EQ(m2n_dispatch_begin(sender_.get(), 0, &message, &ticket), M2N_OK) << m2n_last_error();
    return ticket;
  }
  static void write_rows(const m2n_slot_view& view, uint32_t from, uint32_t to) {
    for (uint32_t row = from; row < to; ++row)
      fill_row(static_cast<std::byte*>(view.rows) + row * kBig.row_bytes, kBig.row_bytes, 9, row);
  }
  static Piece whole_piece() {
    Piece piece{kRows, {{3, kRows}}, {}};
    for (uint32_t pair = 0; pair < kRows; ++pair) piece.row_of_pair.push_back(pair);
    return piece;
  }

  Handle sender_, receiver_;
  uint32_t chunk_ = 0, result_chunk_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Transports, EarlyTest, testing::Values(M2N_LOOPBACK, M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(EarlyTest, Rows_AreReadAsTheyAreTold_AndSoAreResults) {
  m2n_slot_view view;
  const m2n_ticket ticket = begin(&view);
  m2n_batch batch;
  ASSERT_EQ(m2n_receive(receiver_.get(), &kEarly, 5'000'000, &batch), M2N_OK);
  uint32_t available = 99;
  EXPECT_EQ(m2n_rows_wait(receiver_.get(), &batch, 0, 1, 0, &available), M2N_PENDING);
  EXPECT_EQ(available, 0u);
  const auto* rows = static_cast<const std::byte*>(batch.pieces[0].rows);
  for (uint32_t told = 4; told <= kRows; told += 4) {
    write_rows(view, told - 4, told);
    ASSERT_EQ(m2n_dispatch_rows(sender_.get(), ticket, 0, told), M2N_OK);
    const uint32_t whole_chunks = told / chunk_ * chunk_;
    ASSERT_EQ(m2n_rows_wait(receiver_.get(), &batch, 0, whole_chunks, 5'000'000, &available), M2N_OK);
    EXPECT_EQ(available, whole_chunks);
    for (uint32_t row = 0; row < available; ++row)
      ASSERT_TRUE(is_row(rows + row * kBig.row_bytes, kBig.row_bytes, 9, row));
  }
  ASSERT_TRUE(compute(batch, 0, kBig));
  const void* results = nullptr;
  EXPECT_EQ(m2n_results_wait(sender_.get(), ticket, 0, 1, 0, &results, &available), M2N_PENDING);
  ASSERT_EQ(m2n_return_rows(receiver_.get(), &batch, 0, 2 * result_chunk_), M2N_OK);
  ASSERT_EQ(m2n_results_wait(sender_.get(), ticket, 0, 2 * result_chunk_, 5'000'000, &results, &available), M2N_OK);
  EXPECT_EQ(available, 2 * result_chunk_);
  EXPECT_TRUE(is_result(results, kBig.result_bytes, 9, 0, 3, 0));
  m2n_result result;
  uint32_t count = 0;
  EXPECT_EQ(m2n_combine(sender_.get(), ticket, 0, &result, 1, &count), M2N_PENDING);
  ASSERT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 1), M2N_OK);
  ASSERT_EQ(m2n_results_wait(sender_.get(), ticket, 0, kRows, 5'000'000, &results, &available), M2N_OK);
  EXPECT_EQ(available, kRows);
  ASSERT_EQ(m2n_combine(sender_.get(), ticket, 5'000'000, &result, 1, &count), M2N_OK);
  EXPECT_TRUE(check_result(result, whole_piece(), 9, kBig));
  EXPECT_EQ(m2n_release(sender_.get(), ticket), M2N_OK);
}

TEST_P(EarlyTest, AReceiverThatTakesWholePiecesOnly_WaitsForTheLastRow) {
  m2n_slot_view view;
  const m2n_ticket ticket = begin(&view);
  write_rows(view, 0, kRows);
  m2n_batch batch;
  m2n_dispatch_rows(sender_.get(), ticket, 0, kRows - 1);
  EXPECT_EQ(m2n_receive(receiver_.get(), &kGather, 1'000, &batch), M2N_PENDING);
  m2n_dispatch_rows(sender_.get(), ticket, 0, kRows);
  ASSERT_EQ(m2n_receive(receiver_.get(), &kGather, 5'000'000, &batch), M2N_OK);
  EXPECT_TRUE(compute(batch, 0, kBig));
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
}

TEST_P(EarlyTest, RefusedEarly_IsAnsweredOnceAllRowsHaveCome) {
  for (int round = 0; round < 3; ++round) {
    m2n_slot_view view;
    const m2n_ticket ticket = begin(&view);
    m2n_batch batch;
    ASSERT_EQ(m2n_receive(receiver_.get(), &kEarly, 5'000'000, &batch), M2N_OK);
    ASSERT_EQ(m2n_return(receiver_.get(), &batch, M2N_VERSION_MISSING, 0), M2N_OK);
    m2n_result result;
    uint32_t count = 0;
    EXPECT_EQ(m2n_combine(sender_.get(), ticket, 0, &result, 1, &count), M2N_PENDING);
    write_rows(view, 0, kRows);
    m2n_dispatch_rows(sender_.get(), ticket, 0, kRows);
    EXPECT_EQ(m2n_receive(receiver_.get(), &kEarly, 20'000, &batch), M2N_PENDING);
    ASSERT_EQ(m2n_combine(sender_.get(), ticket, 5'000'000, &result, 1, &count), M2N_OK);
    EXPECT_EQ(result.status, M2N_VERSION_MISSING);
    m2n_release(sender_.get(), ticket);
  }
}

TEST_P(EarlyTest, ReleasedHalfWay_FreesTheSlotAllTheSame) {
  m2n_slot_view view;
  m2n_release(sender_.get(), begin(&view));
  m2n_batch batch;
  ASSERT_EQ(m2n_receive(receiver_.get(), &kEarly, 5'000'000, &batch), M2N_OK);
  m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  m2n_status status = M2N_PENDING;
  for (int i = 0; i < 5'000 && status == M2N_PENDING; ++i) {
    m2n_receive(receiver_.get(), &kEarly, 0, &batch);
    status = m2n_slot_open(sender_.get(), 0, 0, kRows, kRows, 1, &view);
    std::this_thread::sleep_for(std::chrono::milliseconds(status == M2N_PENDING ? 1 : 0));
  }
  EXPECT_EQ(status, M2N_OK);
}

TEST_P(EarlyTest, SenderThatLeavesHalfWay_IsTold) {
  m2n_slot_view view;
  begin(&view);
  m2n_batch batch;
  ASSERT_EQ(m2n_receive(receiver_.get(), &kEarly, 5'000'000, &batch), M2N_OK);
  sender_.reset();
  uint32_t available;
  EXPECT_EQ(m2n_rows_wait(receiver_.get(), &batch, 0, kRows, 5'000'000, &available), M2N_PEER_LOST);
  EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_INTERNAL, 0), M2N_OK);
  EXPECT_EQ(m2n_receive(receiver_.get(), &kEarly, 0, &batch), M2N_PENDING);
}

}  // namespace
}  // namespace m2n::test

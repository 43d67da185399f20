// Rows that lie in memory of the caller's: the library hands out addresses in it, and lets go of it when both peers have.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "support.h"

namespace m2n::test {
namespace {

// Stands for a GPU's memory, and knows what is given out.
struct Provider {
  static inline std::map<std::byte*, uint64_t> given;
  uint64_t left = uint64_t{1} << 30;

  static void* allocate(void* user, uint64_t bytes) {
    Provider& own = *static_cast<Provider*>(user);
    if (bytes > own.left) return nullptr;
    own.left -= bytes;
    auto* memory = static_cast<std::byte*>(std::calloc(1, bytes));
    given[memory] = bytes;
    return memory;
  }
  static void release(void* address) {
    EXPECT_EQ(given.erase(static_cast<std::byte*>(address)), 1u);
    std::free(address);
  }
  static bool holds(const void* first, uint64_t bytes) {
    const auto* at = static_cast<const std::byte*>(first);
    return std::any_of(given.begin(), given.end(), [&](const auto& memory) {
      return at >= memory.first && at + bytes <= memory.first + memory.second;
    });
  }
};

class RowMemoryTest : public testing::Test {
 protected:
  Handle open_with(m2n_role role, const m2n_row_memory* rows) {
    m2n_config config = config_of(M2N_LOOPBACK, role, 0, sizes_);
    config.row_memory = rows;
    return open(config);
  }

  const Sizes sizes_;
  Provider provider_;
  const m2n_row_memory rows_{&provider_, Provider::allocate, Provider::release};
};

TEST_F(RowMemoryTest, RoundTrips_LieInIt_SlotBySlot) {
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK) << m2n_last_error();
  ASSERT_EQ(Provider::given.size(), 1u);
  std::mt19937_64 random(5);
  std::array<Piece, 2> pieces;
  std::array<m2n_ticket, 2> tickets{};
  for (uint32_t round = 0; round < 20; ++round) {
    for (uint32_t slot = 0; slot < 2; ++slot) {
      pieces[slot] = random_piece(random, sizes_);
      m2n_slot_view view;
      ASSERT_EQ(m2n_slot_open(sender.get(), slot, 0, sizes_.max_rows, 0, 0, &view), M2N_OK);
      EXPECT_TRUE(Provider::holds(view.rows, uint64_t{sizes_.max_rows} * sizes_.row_bytes));
      EXPECT_FALSE(Provider::holds(view.groups, 1));
      ASSERT_EQ(write_piece(sender.get(), slot, 0, pieces[slot], round * 2 + slot, sizes_), M2N_OK);
      const m2n_message message = message_of(slot);
      ASSERT_EQ(m2n_dispatch(sender.get(), slot, &message, &tickets[slot]), M2N_OK);
    }
    for (uint32_t slot = 0; slot < 2; ++slot) {
      m2n_batch batch;
      ASSERT_EQ(m2n_receive(receiver.get(), &kGather, 1'000'000, &batch), M2N_OK);
      EXPECT_TRUE(Provider::holds(batch.pieces[0].results, uint64_t{batch.pieces[0].pairs} * sizes_.result_bytes));
      ASSERT_TRUE(compute(batch, 0, sizes_));
      ASSERT_EQ(m2n_return(receiver.get(), &batch, M2N_OK, 0), M2N_OK);
    }
    for (uint32_t slot = 0; slot < 2; ++slot) {
      m2n_result result;
      uint32_t count = 0;
      ASSERT_EQ(m2n_combine(sender.get(), tickets[slot], 1'000'000, &result, 1, &count), M2N_OK);
      EXPECT_TRUE(check_result(result, pieces[slot], round * 2 + slot, sizes_));
      ASSERT_EQ(m2n_release(sender.get(), tickets[slot]), M2N_OK);
    }
  }
}

TEST_F(RowMemoryTest, LivesUntilBothPeersLetGo) {
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK);
  sender.reset();
  EXPECT_EQ(Provider::given.size(), 1u) << "the receiver may still be computing in it";
  receiver.reset();
  EXPECT_TRUE(Provider::given.empty());
}

TEST_F(RowMemoryTest, OnOneSideOnly_IsRefused_AndNothingIsLeft) {
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, nullptr);
  EXPECT_EQ(connect(sender.get(), 0, receiver.get()), M2N_REFUSED);
  EXPECT_TRUE(Provider::given.empty());
}

TEST_F(RowMemoryTest, NoneLeft_FailsTheConnection) {
  provider_.left = 0;
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  EXPECT_EQ(connect(sender.get(), 0, receiver.get()), M2N_INTERNAL);
}

TEST_F(RowMemoryTest, OtherTransports_AndHalfAProvider_AreInvalid) {
  m2n_endpoint* endpoint = nullptr;
  m2n_config config = config_of(M2N_SHM, M2N_SENDER, 0, sizes_);
  config.row_memory = &rows_;
  EXPECT_EQ(m2n_endpoint_open(&config, &endpoint), M2N_INVALID);
  const m2n_row_memory half{&provider_, Provider::allocate, nullptr};
  config = config_of(M2N_LOOPBACK, M2N_SENDER, 0, sizes_);
  config.row_memory = &half;
  EXPECT_EQ(m2n_endpoint_open(&config, &endpoint), M2N_INVALID);
}

}  // namespace
}  // namespace m2n::test

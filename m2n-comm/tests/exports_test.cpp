// The C border: versions, sizes, what is refused and what is said.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "support.h"

namespace m2n::test {
namespace {

m2n_status try_open(const m2n_config& config) {
  m2n_endpoint* endpoint = nullptr;
  const m2n_status status = m2n_endpoint_open(&config, &endpoint);
  m2n_endpoint_close(endpoint);
  return status;
}

TEST(ExportsTest, Structs_HaveTheirSizes) {
  EXPECT_EQ(m2n_abi_version(), M2N_ABI_VERSION);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_CONFIG), 96u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_GROUP), 8u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_SLOT_VIEW), 24u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_MESSAGE), 32u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_RESULT), 40u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_PIECE), 72u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_BATCH), 32u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_GATHER), 16u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_COUNTERS), 56u);
  EXPECT_EQ(m2n_struct_bytes(M2N_STRUCT_CAPABILITIES), 48u);
  EXPECT_EQ(m2n_struct_bytes(99), 0u);
}

TEST(ExportsTest, Copy_OfAnySizeAndPlace_CopiesThatAndNothingElse) {
  constexpr std::size_t kMost = 9000;
  std::vector<unsigned char> from(kMost + 8), to(kMost + 16);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<unsigned char>(i * 7 + 1);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{4095}, std::size_t{4096},
                                  std::size_t{4097}, kMost})
    for (const std::size_t shift : {0, 1, 7}) {
      std::fill(to.begin(), to.end(), static_cast<unsigned char>(0));
      m2n_copy(to.data() + shift, from.data() + 8 - shift, bytes);
      EXPECT_EQ(std::memcmp(to.data() + shift, from.data() + 8 - shift, bytes), 0) << bytes;
      const auto written = std::count_if(to.begin(), to.end(), [](unsigned char byte) { return byte != 0; });
      const auto meant = std::count_if(from.data() + 8 - shift, from.data() + 8 - shift + bytes,
                                       [](unsigned char byte) { return byte != 0; });
      EXPECT_EQ(written, meant) << bytes << " bytes at " << shift;
    }
}

TEST(ExportsTest, Open_OutOfBounds_NamesTheField) {
  const m2n_config good = config_of(M2N_LOOPBACK, M2N_SENDER, 0);
  EXPECT_EQ(try_open(good), M2N_OK);
  m2n_config config = good;
  config.slots = 17;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  EXPECT_STREQ(m2n_last_error(), "slots is 17; it must be 1..16");
  config = good;
  config.max_peers = 257;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  config = good;
  config.row_bytes = 0;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  config = good;
  config.struct_bytes -= 4;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  config = good;
  config.transport = 9;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  config = good;
  config.role = 2;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  config = good;
  config.max_rows = config.max_pairs = 1u << 20;
  config.row_bytes = config.result_bytes = 1u << 24;
  EXPECT_EQ(try_open(config), M2N_INVALID);
  EXPECT_NE(std::strstr(m2n_last_error(), "fewer slots, rows or pairs"), nullptr);
}

TEST(ExportsTest, NullAndWrongRole_AreInvalid) {
  const Handle sender = open(M2N_LOOPBACK, M2N_SENDER, 0);
  const Handle receiver = open(M2N_LOOPBACK, M2N_RECEIVER, 0);
  m2n_batch batch;
  m2n_ticket ticket;
  uint32_t count;
  const m2n_message message = message_of(0);
  EXPECT_EQ(m2n_endpoint_open(nullptr, nullptr), M2N_INVALID);
  EXPECT_EQ(m2n_receive(sender.get(), &kGather, 0, &batch), M2N_INVALID);
  EXPECT_EQ(m2n_dispatch(receiver.get(), 0, &message, &ticket), M2N_INVALID);
  EXPECT_EQ(m2n_dispatch(nullptr, 0, &message, &ticket), M2N_INVALID);
  EXPECT_EQ(m2n_combine(sender.get(), 12345, 0, nullptr, 0, &count), M2N_INVALID);
  EXPECT_EQ(m2n_release(sender.get(), 0), M2N_INVALID);
  EXPECT_EQ(m2n_return(receiver.get(), nullptr, M2N_OK, 0), M2N_INVALID);
  EXPECT_EQ(m2n_receive(receiver.get(), nullptr, 0, &batch), M2N_INVALID);
  EXPECT_EQ(m2n_receive(receiver.get(), &kGather, 0, nullptr), M2N_INVALID);
  EXPECT_EQ(m2n_endpoint_counters(sender.get(), nullptr), M2N_INVALID);
  uint8_t small[8];
  uint32_t length;
  EXPECT_EQ(m2n_endpoint_address(receiver.get(), small, sizeof small, &length), M2N_INVALID);
  m2n_endpoint_close(nullptr);
  m2n_wake(nullptr);
}

}  // namespace
}  // namespace m2n::test

// Connecting: what is refused and why, and entries left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <thread>

#include "acceptor.h"
#include "address.h"
#include "clock.h"
#include "failure.h"
#include "shared_memory.h"
#include "support.h"

namespace m2n::test {
namespace {

class ConnectTest : public testing::TestWithParam<m2n_transport> {
 protected:
  m2n_config sender_config(uint32_t rank = 0) const { return config_of(GetParam(), M2N_SENDER, rank); }
  // Connects on a thread of its own and keeps the sentence, which is that thread's.
  m2n_status connect_with(const m2n_config& config, std::string* text) {
    const Handle sender = open(config);
    const std::vector<uint8_t> address = address_of(receiver_.get());
    m2n_status status = M2N_OK;
    std::atomic<bool> done = false;
    std::thread connecting([&] {
      status = m2n_connect(sender.get(), 0, address.data(), static_cast<uint32_t>(address.size()), 10'000'000);
      *text = m2n_last_error();
      done = true;
    });
    m2n_batch batch;
    while (!done) m2n_receive(receiver_.get(), &kGather, 500, &batch);
    connecting.join();
    return status;
  }

  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
    receiver_ = open(GetParam(), M2N_RECEIVER, 0);
  }

  Handle receiver_;
};

INSTANTIATE_TEST_SUITE_P(Transports, ConnectTest, testing::Values(M2N_LOOPBACK, M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ConnectTest, WrongSecretOrSizes_AreRefusedWithTheReason) {
  std::string text;
  m2n_config config = sender_config();
  config.secret[15] ^= 1;
  EXPECT_EQ(connect_with(config, &text), M2N_REFUSED);
  EXPECT_EQ(text, "receiver 0 refused: the cluster secret is wrong");
  for (uint32_t m2n_config::*field : {&m2n_config::slots, &m2n_config::max_rows, &m2n_config::max_pairs,
                                      &m2n_config::max_groups, &m2n_config::row_bytes, &m2n_config::result_bytes}) {
    config = sender_config();
    config.*field += 1;
    EXPECT_EQ(connect_with(config, &text), M2N_REFUSED);
    EXPECT_NE(text.find("must be equal on both sides"), std::string::npos) << text;
  }
  EXPECT_EQ(connect_with(sender_config(), &text), M2N_OK) << "the others left nothing behind: " << text;
}

TEST_P(ConnectTest, RankOfALivingSender_IsTaken_UntilItLeaves) {
  Handle first = open(sender_config(3));
  ASSERT_EQ(connect(first.get(), 0, receiver_.get()), M2N_OK);
  std::string text;
  EXPECT_EQ(connect_with(sender_config(3), &text), M2N_REFUSED);
  EXPECT_EQ(text, "receiver 0 refused: a living peer has this rank");
  first.reset();
  EXPECT_EQ(connect_with(sender_config(3), &text), M2N_OK) << text;
}

TEST_P(ConnectTest, NoRoom_IsRefused_OnEitherSide) {
  m2n_config small = config_of(GetParam(), M2N_RECEIVER, 1);
  small.max_peers = 1;
  receiver_ = open(small);
  const Handle first = open(sender_config(0));
  ASSERT_EQ(connect(first.get(), 0, receiver_.get()), M2N_OK);
  std::string text;
  EXPECT_EQ(connect_with(sender_config(1), &text), M2N_REFUSED);
  EXPECT_EQ(text, "receiver 0 refused: it has no room for another peer");
  m2n_config lonely = sender_config(2);
  lonely.max_peers = 1;
  const Handle other = open(GetParam(), M2N_RECEIVER, 2), third = open(GetParam(), M2N_RECEIVER, 3);
  const Handle sender = open(lonely);
  EXPECT_EQ(connect(sender.get(), 0, other.get()), M2N_OK);
  EXPECT_EQ(connect(sender.get(), 1, third.get()), M2N_REFUSED);
}

TEST_P(ConnectTest, Twice_IsInvalid) {
  const Handle sender = open(sender_config());
  ASSERT_EQ(connect(sender.get(), 0, receiver_.get()), M2N_OK);
  EXPECT_EQ(connect(sender.get(), 0, receiver_.get()), M2N_INVALID);
}

TEST_P(ConnectTest, ReceiverThatDoesNotReceive_TimesOut_AndTheEntryIsFreeAgain) {
  const Handle sender = open(sender_config());
  const std::vector<uint8_t> address = address_of(receiver_.get());
  for (uint32_t i = 0; i < 2 * kConnectEntries; ++i)
    ASSERT_EQ(m2n_connect(sender.get(), 0, address.data(), static_cast<uint32_t>(address.size()), 2'000), M2N_TIMEOUT);
  EXPECT_STREQ(m2n_last_error(), "receiver 0 did not answer in time: it is not receiving");
  EXPECT_EQ(connect(sender.get(), 0, receiver_.get()), M2N_OK);
}

TEST_P(ConnectTest, Wake_DoesNotEndAConnect_AndIsKept) {
  const Handle sender = open(sender_config());
  m2n_wake(sender.get());
  EXPECT_EQ(connect(sender.get(), 0, receiver_.get()), M2N_OK);
  ASSERT_EQ(write_piece(sender.get(), 0, 0, small_piece(), 1, {}), M2N_OK);
  const m2n_message message = message_of(0);
  m2n_ticket ticket;
  ASSERT_EQ(m2n_dispatch(sender.get(), 0, &message, &ticket), M2N_OK);
  m2n_result result;
  uint32_t count;
  EXPECT_EQ(m2n_combine(sender.get(), ticket, 1'000'000, &result, 1, &count), M2N_WOKEN);
}

TEST_P(ConnectTest, ClosedReceiver_IsLost) {
  const std::vector<uint8_t> address = address_of(receiver_.get());
  receiver_.reset();
  const Handle sender = open(sender_config());
  EXPECT_EQ(m2n_connect(sender.get(), 0, address.data(), static_cast<uint32_t>(address.size()), 1'000'000),
            M2N_PEER_LOST)
      << m2n_last_error();
}

TEST_P(ConnectTest, RandomAddresses_AreRefused_AndNothingBreaks) {
  const Handle sender = open(sender_config());
  const std::vector<uint8_t> good = address_of(receiver_.get());
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<uint8_t> bad = good;
    const std::size_t bytes = 1 + random() % 8;
    for (std::size_t k = 0; k < bytes; ++k) bad[random() % bad.size()] ^= static_cast<uint8_t>(1 + random() % 255);
    if (random() % 16 == 0) bad.resize(random() % bad.size());
    // The fields that say nothing to a sender of this transport; and a test calls at nobody else's door.
    const auto keep = [&](std::size_t from, std::size_t to) {
      if (bad.size() == good.size()) std::memcpy(bad.data() + from, good.data() + from, to - from);
    };
    keep(offsetof(Address, rank), offsetof(Address, doorbell));
    keep(offsetof(Address, host), offsetof(Address, place) + offsetof(NetworkPlace, nonce));
    if (GetParam() == M2N_UCX || GetParam() == M2N_TCP)
      keep(offsetof(Address, doorbell), offsetof(Address, host));
    else
      keep(offsetof(Address, place), sizeof(Address));
    if (bad == good) continue;
    const m2n_status status = m2n_connect(sender.get(), 0, bad.data(), static_cast<uint32_t>(bad.size()), 0);
    const bool is_refused = status == M2N_INVALID || status == M2N_PEER_LOST || status == M2N_REFUSED;
    // Loopback finds regions by the nonce alone; over a network the receiver tells, which is not receiving.
    ASSERT_TRUE(is_refused || (GetParam() != M2N_SHM && status == M2N_TIMEOUT)) << status;
  }
}

TEST(ShmNameTest, Names_ThatLeadElsewhere_AreRefused) {
  const auto transport = make_transport(M2N_SHM);
  const auto region = transport->create(kPairMagic, kPage);
  const auto expect_failure = [&](const RegionName& name) {
    EXPECT_ANY_THROW(transport->map(name, kPairMagic, kPage));
  };
  EXPECT_NO_THROW(transport->map(region->name(), kPairMagic, kPage));
  EXPECT_ANY_THROW(transport->map(region->name(), kDoorbellMagic, kPage));
  EXPECT_ANY_THROW(transport->map(region->name(), kPairMagic, 2 * kPage));
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const int null = ::open("/dev/null", O_RDWR);
  char path[] = "/tmp/m2n-test-XXXXXX";
  const int file = mkstemp(path);
  ASSERT_EQ(unlink(path), 0);
  ASSERT_EQ(ftruncate(file, kPage), 0);
  for (const int descriptor : {pipe_ends[0], pipe_ends[1], null, file, 9999, -1}) {
    RegionName name = region->name();
    name.descriptor = descriptor;
    expect_failure(name);
  }
  for (const int descriptor : {pipe_ends[0], pipe_ends[1], null, file}) close(descriptor);
  RegionName name = region->name();
  name.nonce[1] ^= 1;
  expect_failure(name);
  name = region->name();
  name.pid = 0x7fffffff;
  expect_failure(name);
  name = region->name();
  name.started += 1;
  EXPECT_ANY_THROW(transport->watch(name)) << "a reused process id";
  region->unname();
  expect_failure(region->name());
}

// What a sender with an old address meets while a receiver that left comes back: the number of its region's descriptor is
// used again, by one that does not have its size and seals yet.
TEST(ShmNameTest, DescriptorThatHasAnotherRegionByNow_IsOfALostPeer) {
  const auto transport = make_transport(M2N_SHM);
  const auto region = transport->create(kPairMagic, kPage);
  RegionName name = region->name();
  const auto status_of = [&] {
    try {
      transport->map(name, kPairMagic, kPage);
      return M2N_OK;
    } catch (const Failure& failure) {
      return failure.status();
    }
  };
  const int unfinished = memfd_create("m2n-0123456789abcdef0123456789abcdef", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const auto longer = transport->create(kPairMagic, 2 * kPage);
  const auto equal = transport->create(kPairMagic, kPage);
  for (const int descriptor : {unfinished, longer->name().descriptor, equal->name().descriptor}) {
    name.descriptor = descriptor;
    EXPECT_EQ(status_of(), M2N_PEER_LOST) << descriptor;
  }
  close(unfinished);

  // One that bears the right name and is not sealed is nobody's but a liar's.
  char link[64] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(region->name().descriptor);
  ASSERT_GT(readlink(path.c_str(), link, sizeof link - 1), 0);
  const std::string own = std::string(link).substr(7, 4 + 32);
  name.descriptor = memfd_create(own.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(ftruncate(name.descriptor, kPage), 0);
  EXPECT_EQ(status_of(), M2N_INVALID);
  close(name.descriptor);
}

TEST(AcceptorTest, EntriesOfDeadSenders_AreTakenBack) {
  const auto transport = make_transport(M2N_LOOPBACK);
  const auto region = transport->create(kDoorbellMagic, kDoorbellBytes);
  const Doorbell bell(*region, true);
  const m2n_config config = config_of(M2N_LOOPBACK, M2N_RECEIVER, 0);
  const PairSizes sizes{};
  const PairLayout layout{};
  Acceptor acceptor(config, sizes, layout, *transport, bell);
  ConnectTable& table = bell.shared().table;
  for (ConnectEntry& entry : table.entries) store(entry.word, EntryWord::make(7, EntryState::kClaimed));
  ConnectClaim claim(table);
  acceptor.reclaim(1);
  EXPECT_FALSE(claim.take());
  acceptor.reclaim(kStaleEntryNs);
  EXPECT_FALSE(claim.take()) << "not stale yet";
  acceptor.reclaim(1 + kStaleEntryNs);
  EXPECT_TRUE(claim.take());
  EXPECT_FALSE(exchange_if(table.entries[0].word, EntryWord::make(7, EntryState::kClaimed), uint64_t{0}))
      << "the old owner has lost it";
}

}  // namespace
}  // namespace m2n::test

// Rows that lie in memory of the caller's: the library hands out addresses in it, and lets go of it when both peers have.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>

#include "clock.h"
#include "failure.h"
#include "slot.h"
#include "support.h"
#include "transports/shm/row_door.h"

namespace m2n::test {
namespace {

// Stands for a GPU's memory, and knows what is given out, here and by way of a descriptor.
struct Provider {
  struct Given {
    uint64_t bytes;
    int file;  // of what was allocated here
  };
  static inline std::map<std::byte*, Given> given;
  uint64_t left = uint64_t{1} << 30;
  bool shares = true;

  static void* allocate(void* user, uint64_t bytes) {
    Provider& own = *static_cast<Provider*>(user);
    if (bytes > own.left) return nullptr;
    own.left -= bytes;
    const int file = memfd_create("device", MFD_CLOEXEC);
    if (ftruncate(file, static_cast<off_t>(bytes)) != 0) return nullptr;
    return keep(file, file, bytes);
  }
  static void release(void* address) {
    const auto found = given.find(static_cast<std::byte*>(address));
    ASSERT_NE(found, given.end());
    munmap(address, found->second.bytes);
    if (found->second.file >= 0) close(found->second.file);
    given.erase(found);
  }
  static int share(void* user, void* address) {
    return static_cast<Provider*>(user)->shares ? dup(given.at(static_cast<std::byte*>(address)).file) : -1;
  }
  static void* map(void*, int file, uint64_t bytes) {
    struct stat status;
    if (fstat(file, &status) != 0 || static_cast<uint64_t>(status.st_size) != bytes) return nullptr;
    return keep(file, -1, bytes);
  }
  static void* keep(int file, int owned, uint64_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    given[static_cast<std::byte*>(memory)] = {bytes, owned};
    return memory;
  }
  static bool holds(const void* first, uint64_t bytes) {
    const auto* at = static_cast<const std::byte*>(first);
    return std::any_of(given.begin(), given.end(), [&](const auto& memory) {
      return at >= memory.first && at + bytes <= memory.first + memory.second.bytes;
    });
  }
};

int open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<int>(std::distance(begin(files), end(files)));
}

class RowMemoryTest : public testing::TestWithParam<m2n_transport> {
 protected:
  Handle open_with(m2n_role role, const m2n_row_memory* rows) {
    m2n_config config = config_of(GetParam(), role, 0, sizes_);
    config.row_memory = rows;
    return open(config);
  }

  const Sizes sizes_;
  Provider provider_;
  const m2n_row_memory rows_{&provider_, Provider::allocate, Provider::release, Provider::share, Provider::map};
  const std::size_t mappings_ = GetParam() == M2N_SHM ? 2 : 1;  // of a pair
};

INSTANTIATE_TEST_SUITE_P(Transports, RowMemoryTest, testing::Values(M2N_LOOPBACK, M2N_SHM),
                         [](const auto& parameter) { return name_of(parameter.param); });

TEST_P(RowMemoryTest, RoundTrips_LieInIt_SlotBySlot) {
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK) << m2n_last_error();
  ASSERT_EQ(Provider::given.size(), mappings_);
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

TEST_P(RowMemoryTest, LivesUntilBothPeersLetGo) {
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK) << m2n_last_error();
  sender.reset();
  EXPECT_EQ(Provider::given.size(), 1u) << "the receiver may still be computing in it";
  receiver.reset();
  EXPECT_TRUE(Provider::given.empty());
}

TEST_P(RowMemoryTest, ManyComeAndGo_AndNothingIsLeft) {
  Handle receiver = open_with(M2N_RECEIVER, &rows_);
  const int files = open_files();
  for (int i = 0; i < 40; ++i) {
    Handle sender = open_with(M2N_SENDER, &rows_);
    ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK) << m2n_last_error();
  }
  m2n_batch batch;
  EXPECT_EQ(m2n_receive(receiver.get(), &kGather, 1'000, &batch), M2N_PENDING);  // it learns that the last has left
  EXPECT_TRUE(Provider::given.empty());
  EXPECT_EQ(open_files(), files);
}

TEST_P(RowMemoryTest, OnOneSideOnly_IsRefused_AndNothingIsLeft) {
  for (const bool sends : {true, false}) {
    Handle sender = open_with(M2N_SENDER, sends ? &rows_ : nullptr);
    Handle receiver = open_with(M2N_RECEIVER, sends ? nullptr : &rows_);
    EXPECT_EQ(connect(sender.get(), 0, receiver.get()), M2N_REFUSED);
    EXPECT_TRUE(Provider::given.empty());
  }
}

TEST_P(RowMemoryTest, NoneLeft_FailsTheConnection) {
  provider_.left = 0;
  Handle sender = open_with(M2N_SENDER, &rows_), receiver = open_with(M2N_RECEIVER, &rows_);
  EXPECT_EQ(connect(sender.get(), 0, receiver.get()), M2N_INTERNAL);
}

TEST(RowMemoryConfigTest, OtherTransports_AndHalfAProvider_AreInvalid) {
  Provider provider;
  const m2n_row_memory whole{&provider, Provider::allocate, Provider::release, Provider::share, Provider::map};
  m2n_row_memory without_release = whole, without_map = whole;
  without_release.release = nullptr;
  without_map.map = nullptr;
  const auto is_valid = [](m2n_transport transport, const m2n_row_memory& rows) {
    m2n_config config = config_of(transport, M2N_SENDER, 0, Sizes());
    config.row_memory = &rows;
    m2n_endpoint* endpoint = nullptr;
    const bool opened = m2n_endpoint_open(&config, &endpoint) == M2N_OK;
    m2n_endpoint_close(endpoint);
    return opened;
  };
  EXPECT_TRUE(is_valid(M2N_LOOPBACK, whole));
  EXPECT_TRUE(is_valid(M2N_LOOPBACK, without_map));
  EXPECT_TRUE(is_valid(M2N_SHM, whole));
  EXPECT_FALSE(is_valid(M2N_SHM, without_map));
  EXPECT_FALSE(is_valid(M2N_LOOPBACK, without_release));
  EXPECT_FALSE(is_valid(M2N_AUTO, whole));
}

// ---- the door that memory is handed through ----

class RowDoorTest : public testing::Test {
 protected:
  RowDoorTest() {
    fill_nonce(doorbell_.nonce);
    doorbell_.pid = static_cast<uint32_t>(getpid());
    door_ = std::make_unique<RowDoor>(doorbell_.nonce);
  }
  static Descriptor memory_of(uint64_t bytes) {
    Descriptor file(memfd_create("device", MFD_CLOEXEC));
    EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
    return file;
  }
  static off_t size_of(const Descriptor& file) {
    struct stat status {};
    EXPECT_EQ(fstat(file.get(), &status), 0);
    return status.st_size;
  }
  // A guest that says whatever it likes, with so many descriptors.
  void say(const void* words, std::size_t bytes, int descriptors) {
    Descriptor connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int length = std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "m2n-rows-%016lx%016lx",
                                     doorbell_.nonce[0], doorbell_.nonce[1]);
    ASSERT_EQ(::connect(connection.get(), reinterpret_cast<sockaddr*>(&address),
                        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length))),
              0);
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    iovec part{const_cast<void*>(words), bytes};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (descriptors > 0) {
      header.msg_control = control;
      header.msg_controllen = CMSG_LEN(static_cast<std::size_t>(descriptors) * sizeof(int));
      cmsghdr* first = CMSG_FIRSTHDR(&header);
      first->cmsg_level = SOL_SOCKET;
      first->cmsg_type = SCM_RIGHTS;
      first->cmsg_len = header.msg_controllen;
      for (int i = 0; i < descriptors; ++i) std::memcpy(CMSG_DATA(first) + i * 4, "\0\0\0\0", 4);
    }
    ASSERT_EQ(sendmsg(connection.get(), &header, 0), static_cast<ssize_t>(bytes));
  }

  RegionName doorbell_{};
  std::unique_ptr<RowDoor> door_;
};

TEST_F(RowDoorTest, EachPairGetsItsOwn_InAnyOrder) {
  for (uint64_t i = 1; i <= 5; ++i) RowDoor::hand_over(doorbell_, {i, 7}, memory_of(i * 100));
  for (const uint64_t i : {3, 1, 5, 2, 4}) EXPECT_EQ(size_of(door_->take({i, 7})), static_cast<off_t>(i * 100));
  EXPECT_THROW(door_->take({3, 7}), Failure) << "it is taken once";
}

TEST_F(RowDoorTest, AsManyAsThereMayBePeers_MayComeAtOnce) {
  for (uint64_t i = 0; i < kMaxPeers; ++i) RowDoor::hand_over(doorbell_, {i, 7}, memory_of(i + 1));
  for (uint64_t i = 0; i < kMaxPeers; ++i) EXPECT_EQ(size_of(door_->take({i, 7})), static_cast<off_t>(i + 1));
}

TEST_F(RowDoorTest, WhatNobodyAsksFor_IsLetGo) {
  const int files = open_files();
  RowDoor::hand_over(doorbell_, {1, 1}, memory_of(100));
  door_->tidy(now_ns());
  EXPECT_EQ(open_files(), files + 1);
  door_->tidy(now_ns() + 11'000'000'000u);
  EXPECT_EQ(open_files(), files);
  EXPECT_THROW(door_->take({1, 1}), Failure);
}

TEST_F(RowDoorTest, NonsenseAndCrowds_LeaveNothing_AndHarmNobody) {
  const int files = open_files();
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    uint64_t words[8];
    for (uint64_t& word : words) word = random();
    if (round % 4 == 0) words[0] = 0x3130574f524e324dull;
    ASSERT_NO_FATAL_FAILURE(say(words, 1 + random() % sizeof words, static_cast<int>(random() % 6)));
    if (round % 3 == 0) RowDoor::hand_over(doorbell_, {42, 42}, memory_of(321));
    if (round % 3 == 0) {
      EXPECT_EQ(size_of(door_->take({42, 42})), 321);
    } else {
      EXPECT_THROW(door_->take({1, 2}), Failure);
    }
  }
  door_->tidy(now_ns() + 11'000'000'000u);
  EXPECT_EQ(open_files(), files);
}

TEST_F(RowDoorTest, AClosedDoor_AndOneOfAnotherProcess_AreToldApart) {
  const auto why = [&](const RegionName& name) {
    try {
      RowDoor::hand_over(name, {1, 1}, memory_of(1));
    } catch (const Failure& failure) {
      return failure.status();
    }
    return M2N_OK;
  };
  RegionName other = doorbell_;
  other.pid += 1;
  EXPECT_EQ(why(other), M2N_PEER_LOST);
  door_.reset();
  EXPECT_EQ(why(doorbell_), M2N_REFUSED);
}

}  // namespace
}  // namespace m2n::test

// Peers that are real processes: killed, stopped, started again.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "clock.h"
#include "support.h"

namespace m2n::test {
namespace {

// A process of m2n_member; gone at the end of the scope.
class Child {
 public:
  Child(const char* role, m2n_transport transport, const std::string& argument) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "m2n_member";
    const std::string number = std::to_string(transport);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close_range(STDERR_FILENO + 1, ~0u, 0);
      execl(program.c_str(), program.c_str(), role, number.c_str(), argument.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), output_(std::exchange(other.output_, -1)) {}
  ~Child() {
    end();
    if (output_ >= 0) close(output_);
  }
  void signal(int number) const { kill(pid_, number); }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // What it writes first: an address, or one byte as a sign.
  std::vector<uint8_t> read_some() const {
    std::vector<uint8_t> bytes(M2N_ADDRESS_BYTES);
    const ssize_t length = read(output_, bytes.data(), bytes.size());
    bytes.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return bytes;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

// Open descriptors and shared mappings of this process.
std::pair<int, int> resources() {
  int descriptors = 0, mappings = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++descriptors;
  closedir(folder);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) mappings += line.find("memfd:m2n") != std::string::npos ? 1 : 0;
  return {descriptors, mappings};
}

class ProcessTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
    sender_ = open(GetParam(), M2N_SENDER, 0);
  }
  // A receiver in a process of its own, not connected yet.
  Child start(uint32_t rank) const { return Child("receiver", GetParam(), std::to_string(rank)); }
  // What a transport lets go of a moment later.
  void expect_no_leak(const std::pair<int, int>& before) {
    const uint64_t until = now_ns() + 5'000'000'000u;
    while (resources() != before && now_ns() < until) {
      m2n_peer_state(sender_.get(), 0);
      usleep(1'000);
    }
    EXPECT_EQ(resources(), before);
  }
  m2n_status connect_to(uint32_t peer, const Child& child) {
    const std::vector<uint8_t> address = child.read_some();
    return m2n_connect(sender_.get(), peer, address.data(), static_cast<uint32_t>(address.size()), 10'000'000);
  }
  m2n_ticket dispatch(uint32_t slot, const std::vector<uint32_t>& peers, uint32_t tag, uint64_t deadline_us = kLongUs) {
    for (const uint32_t peer : peers)
      EXPECT_EQ(write_piece(sender_.get(), slot, peer, small_piece(), peer, {}), M2N_OK) << m2n_last_error();
    const m2n_message message = message_of(tag, deadline_us);
    m2n_ticket ticket = 0;
    EXPECT_EQ(m2n_dispatch(sender_.get(), slot, &message, &ticket), M2N_OK);
    return ticket;
  }
  m2n_status combine(m2n_ticket ticket, uint32_t wait_us = 5'000'000) {
    return m2n_combine(sender_.get(), ticket, wait_us, results_.data(), 4, &count_);
  }

  Handle sender_;
  std::array<m2n_result, 4> results_{};
  uint32_t count_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Transports, ProcessTest, testing::Values(M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ProcessTest, RoundTrips_BetweenProcesses) {
  const Child child = start(0);
  ASSERT_EQ(connect_to(0, child), M2N_OK) << m2n_last_error();
  for (int i = 0; i < 1'000; ++i) {
    const m2n_ticket ticket = dispatch(i % 2, {0}, i % 3);
    ASSERT_EQ(combine(ticket), M2N_OK);
    ASSERT_TRUE(check_result(results_[0], small_piece(), 0, {}));
    m2n_release(sender_.get(), ticket);
  }
}

TEST_P(ProcessTest, KilledReceiver_IsNamedSoon_AndTheOtherGoesOn_AndNothingLeaks) {
  const Child steady = start(1);
  ASSERT_EQ(connect_to(1, steady), M2N_OK);
  const auto before = resources();
  std::vector<double> named_ms;
  for (uint64_t i = 0; i < amount(10, 1'000); ++i) {
    Child child = start(0);
    ASSERT_EQ(connect_to(0, child), M2N_OK) << m2n_last_error();
    // Alternately while the piece is being worked on and before it is seen.
    if (i % 2 == 1) child.signal(SIGSTOP);
    const m2n_ticket ticket = dispatch(0, {0, 1}, i % 2 == 0 ? 3 : 0);
    const m2n_ticket other = dispatch(1, {1}, 1);
    EXPECT_EQ(combine(ticket, 1'000), M2N_PENDING);
    const uint64_t killed = now_ns();
    child.signal(SIGKILL);
    ASSERT_EQ(combine(ticket), M2N_OK);
    named_ms.push_back(static_cast<double>(now_ns() - killed) * 1e-6);
    EXPECT_LT(named_ms.back(), 1'000) << "a few milliseconds and what the scheduler adds";
    ASSERT_EQ(count_, 2u);
    EXPECT_EQ(results_[0].peer, 0u);
    EXPECT_EQ(results_[0].status, M2N_PEER_LOST);
    EXPECT_EQ(m2n_peer_state(sender_.get(), 0), M2N_PEER_LOST);
    ASSERT_EQ(combine(other), M2N_OK);
    EXPECT_TRUE(check_result(results_[0], small_piece(), 1, {}));
    m2n_release(sender_.get(), ticket);
    m2n_release(sender_.get(), other);
    m2n_disconnect(sender_.get(), 0);
    if (HasFailure()) return;
  }
  std::sort(named_ms.begin(), named_ms.end());
  std::printf("%zu killed receivers were named after %.2f ms (half of them), %.2f ms (all but one in a hundred)\n",
              named_ms.size(), named_ms[named_ms.size() / 2], named_ms[named_ms.size() * 99 / 100]);
  expect_no_leak(before);
}

TEST_P(ProcessTest, KilledReceiver_IsNoticed_WhereTicketsArePolledInTurn) {
  Child first = start(0);
  Child second = start(0);
  ASSERT_EQ(connect_to(0, first), M2N_OK);
  ASSERT_EQ(connect_to(1, second), M2N_OK);
  const std::array tickets{dispatch(0, {0}, 3), dispatch(1, {1}, 3)};
  second.signal(SIGKILL);
  const uint64_t until = now_ns() + 5'000'000'000u;
  while (combine(tickets[1], 0) == M2N_PENDING && now_ns() < until) ASSERT_EQ(combine(tickets[0], 0), M2N_PENDING);
  ASSERT_EQ(combine(tickets[1], 0), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_PEER_LOST);
}

TEST_P(ProcessTest, StoppedReceiver_TimesOut_AndReturnsLater) {
  const Child child = start(0);
  ASSERT_EQ(connect_to(0, child), M2N_OK);
  child.signal(SIGSTOP);
  const uint64_t start = now_ns();
  const m2n_ticket ticket = dispatch(0, {0}, 0, 100'000);
  ASSERT_EQ(combine(ticket), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_TIMEOUT);
  EXPECT_GE(now_ns() - start, 100'000'000u);
  EXPECT_LT(now_ns() - start, 400'000'000u);
  m2n_release(sender_.get(), ticket);
  EXPECT_EQ(m2n_peer_state(sender_.get(), 0), M2N_OK) << "stopped is not dead";
  m2n_slot_view view;
  EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 0, 1, 1, 1, &view), M2N_PENDING);
  child.signal(SIGCONT);
  const uint64_t until = now_ns() + 5'000'000'000u;
  while (m2n_slot_open(sender_.get(), 0, 0, 1, 1, 1, &view) == M2N_PENDING && now_ns() < until) usleep(1'000);
  const m2n_ticket next = dispatch(0, {0}, 1);
  ASSERT_EQ(combine(next), M2N_OK);
  EXPECT_TRUE(check_result(results_[0], small_piece(), 0, {}));
}

TEST_P(ProcessTest, RestartedReceiver_HasANewAddress_AndTheOldOneIsLost) {
  Child first = start(0);
  const std::vector<uint8_t> old = first.read_some();
  first.end();
  EXPECT_EQ(m2n_connect(sender_.get(), 0, old.data(), static_cast<uint32_t>(old.size()), 1'000'000), M2N_PEER_LOST)
      << m2n_last_error();
  const Child second = start(0);
  ASSERT_EQ(connect_to(0, second), M2N_OK) << m2n_last_error();
  const m2n_ticket ticket = dispatch(0, {0}, 0);
  ASSERT_EQ(combine(ticket), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_OK);
}

class ProcessReceiverTest : public testing::TestWithParam<m2n_transport> {};

INSTANTIATE_TEST_SUITE_P(Transports, ProcessReceiverTest, testing::Values(M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

// What a dead pair holds is let go of within the next calls.
std::pair<int, int> settled_resources(m2n_endpoint* receiver) {
  m2n_batch batch;
  for (int i = 0; i < 50; ++i) m2n_receive(receiver, &kGather, 5'000, &batch);
  return resources();
}

TEST_P(ProcessReceiverTest, KilledSenders_AreDropped_AndNothingLeaks) {
  if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
  const Handle receiver = open(GetParam(), M2N_RECEIVER, 0);
  const std::vector<uint8_t> address = address_of(receiver.get());
  std::pair<int, int> before;
  m2n_counters counters{};
  for (uint64_t i = 0; i < amount(8, 500); ++i) {
    // From here on: UCX opens something of its own with the first.
    if (i == 1) before = settled_resources(receiver.get());
    Child child("sender", GetParam(), hex(address));
    m2n_batch batch;
    ASSERT_EQ(m2n_receive(receiver.get(), &kGather, 10'000'000, &batch), M2N_OK);
    ASSERT_EQ(child.read_some().size(), 1u);
    child.end();  // with its batch out
    EXPECT_TRUE(compute(batch, 0, {})) << "the rows stay mapped";
    EXPECT_EQ(m2n_return(receiver.get(), &batch, M2N_OK, 0), M2N_OK);
    const uint64_t until = now_ns() + 5'000'000'000u;
    do {
      EXPECT_EQ(m2n_receive(receiver.get(), &kGather, 20'000, &batch), M2N_PENDING);
      m2n_endpoint_counters(receiver.get(), &counters);
    } while (counters.peers != 0 && now_ns() < until);
    ASSERT_EQ(counters.peers, 0u);
  }
  EXPECT_EQ(settled_resources(receiver.get()), before);
}

}  // namespace
}  // namespace m2n::test

// Peers that are real processes: killed, stopped, started again. Over shared memory.
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>

#include "clock.h"
#include "support.h"

namespace m2n::test {
namespace {

// A child process that runs a function and is gone at the end of the scope.
class Child {
 public:
  explicit Child(const std::function<void(int)>& run) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      alarm(60);
      run(ends[1]);
      _exit(0);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Child() {
    end();
    close(output_);
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

void tell(int output, const std::vector<uint8_t>& bytes) {
  if (write(output, bytes.data(), bytes.size()) < 0) _exit(1);
}

// Receives for ever. Receiver 0 takes pieces of tag 3 and never returns them.
void run_receiver(int output, uint32_t rank) {
  const Handle receiver = open(M2N_SHM, M2N_RECEIVER, rank);
  tell(output, address_of(receiver.get()));
  for (;;) {
    m2n_batch batch;
    if (m2n_receive(receiver.get(), &kGather, 100'000, &batch) != M2N_OK) continue;
    while (batch.tag == 3 && rank == 0) pause();
    compute(batch, rank, {});
    m2n_return(receiver.get(), &batch, M2N_OK, 0);
  }
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

class ProcessTest : public testing::Test {
 protected:
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

  Handle sender_ = open(M2N_SHM, M2N_SENDER, 0);
  std::array<m2n_result, 4> results_{};
  uint32_t count_ = 0;
};

TEST_F(ProcessTest, RoundTrips_BetweenProcesses) {
  const Child child([](int output) { run_receiver(output, 0); });
  ASSERT_EQ(connect_to(0, child), M2N_OK) << m2n_last_error();
  for (int i = 0; i < 2'000; ++i) {
    const m2n_ticket ticket = dispatch(i % 2, {0}, i % 3);
    ASSERT_EQ(combine(ticket), M2N_OK);
    ASSERT_TRUE(check_result(results_[0], small_piece(), 0, {}));
    m2n_release(sender_.get(), ticket);
  }
}

TEST_F(ProcessTest, KilledReceiver_IsNamedSoon_AndTheOtherGoesOn_AndNothingLeaks) {
  const Child steady([](int output) { run_receiver(output, 1); });
  ASSERT_EQ(connect_to(1, steady), M2N_OK);
  const auto before = resources();
  for (uint64_t i = 0; i < amount(10, 1'000); ++i) {
    Child child([](int output) { run_receiver(output, 0); });
    ASSERT_EQ(connect_to(0, child), M2N_OK) << m2n_last_error();
    // Alternately while the piece is being worked on and before it is seen.
    if (i % 2 == 1) child.signal(SIGSTOP);
    const m2n_ticket ticket = dispatch(0, {0, 1}, i % 2 == 0 ? 3 : 0);
    const m2n_ticket other = dispatch(1, {1}, 1);
    EXPECT_EQ(combine(ticket, 1'000), M2N_PENDING);
    const uint64_t killed = now_ns();
    child.signal(SIGKILL);
    ASSERT_EQ(combine(ticket), M2N_OK);
    EXPECT_LT(now_ns() - killed, 500'000'000u) << "4 ms of polling and what the scheduler adds";
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
  EXPECT_EQ(resources(), before);
}

TEST_F(ProcessTest, KilledReceiver_IsNoticed_WhereTicketsArePolledInTurn) {
  Child first([](int output) { run_receiver(output, 0); });
  Child second([](int output) { run_receiver(output, 0); });
  ASSERT_EQ(connect_to(0, first), M2N_OK);
  ASSERT_EQ(connect_to(1, second), M2N_OK);
  const std::array tickets{dispatch(0, {0}, 3), dispatch(1, {1}, 3)};
  second.signal(SIGKILL);
  const uint64_t until = now_ns() + 5'000'000'000u;
  while (combine(tickets[1], 0) == M2N_PENDING && now_ns() < until) ASSERT_EQ(combine(tickets[0], 0), M2N_PENDING);
  ASSERT_EQ(combine(tickets[1], 0), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_PEER_LOST);
}

TEST_F(ProcessTest, StoppedReceiver_TimesOut_AndReturnsLater) {
  const Child child([](int output) { run_receiver(output, 0); });
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

TEST_F(ProcessTest, RestartedReceiver_HasANewAddress_AndTheOldOneIsLost) {
  Child first([](int output) { run_receiver(output, 0); });
  const std::vector<uint8_t> old = first.read_some();
  first.end();
  EXPECT_EQ(m2n_connect(sender_.get(), 0, old.data(), static_cast<uint32_t>(old.size()), 1'000'000), M2N_PEER_LOST)
      << m2n_last_error();
  const Child second([](int output) { run_receiver(output, 0); });
  ASSERT_EQ(connect_to(0, second), M2N_OK) << m2n_last_error();
  const m2n_ticket ticket = dispatch(0, {0}, 0);
  ASSERT_EQ(combine(ticket), M2N_OK);
  EXPECT_EQ(results_[0].status, M2N_OK);
}

TEST(ProcessReceiverTest, KilledSenders_AreDropped_AndNothingLeaks) {
  const Handle receiver = open(M2N_SHM, M2N_RECEIVER, 0);
  const std::vector<uint8_t> address = address_of(receiver.get());
  const auto before = resources();
  m2n_counters counters{};
  for (uint64_t i = 0; i < amount(8, 500); ++i) {
    Child child([&](int output) {
      const Handle sender = open(M2N_SHM, M2N_SENDER, 0);
      if (m2n_connect(sender.get(), 0, address.data(), static_cast<uint32_t>(address.size()), 10'000'000) != M2N_OK)
        _exit(1);
      write_piece(sender.get(), 0, 0, small_piece(), 1, {});
      const m2n_message message = message_of(0);
      m2n_ticket ticket;
      m2n_dispatch(sender.get(), 0, &message, &ticket);
      tell(output, {1});
      pause();
    });
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
  EXPECT_EQ(resources(), before);
}

}  // namespace
}  // namespace m2n::test

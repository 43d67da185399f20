// Waiting: no wake-up is lost, and an idle endpoint costs next to nothing.
#include "waiter.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>
#include <tuple>

#include "support.h"

namespace m2n::test {
namespace {

constexpr uint64_t kLostNs = 30'000'000'000u;  // a wait this long was never rung

// Now and then a stall, of about the time that the other side needs to fall asleep.
void stall(std::mt19937_64& random) {
  const uint64_t kind = random() % 16;
  if (kind < 4) sched_yield();
  if (kind < 14) return;
  const uint64_t until = now_ns() + random() % 12'000;
  while (now_ns() < until) relax();
}

// One end of a ping-pong: a word that the peer writes, and the waiting for it.
struct End {
  explicit End(const Transport& transport, uint64_t budget_ns = 1'000)
      : region(transport.create(kDoorbellMagic, kDoorbellBytes)),
        bell(*region, transport.is_private()),
        waiter(bell, budget_ns, budget_ns, counters) {}

  bool wait_for(uint64_t round, std::mt19937_64& random) {
    const auto look = [&]() -> uint64_t {
      if (load(word) == round) return 0;
      // The other side gets its chance here: after the look, before whatever the waiter does because of it.
      stall(random);
      return kNever;
    };
    const uint64_t until = now_ns() + kLostNs;
    // A waiter that slept through looks once more at the end, and that does not count.
    return waiter.wait(until, kLostNs, look, [] {}) == WaitEnd::kReady && now_ns() < until;
  }
  void put(uint64_t round) {
    store(word, round);
    bell.ring();
  }

  std::unique_ptr<Region> region;
  Doorbell bell;
  m2n_counters counters{};
  Waiter waiter;
  uint64_t word = 0;
};

TEST(WaiterTest, PingPongWithStalls_LosesNoWakeUp) {
  const uint64_t rounds = amount(is_sanitized() ? 20'000 : 50'000, 10'000'000);
  const auto transport = make_transport(M2N_LOOPBACK);
  End left(*transport), right(*transport);
  std::thread other([&] {
    std::mt19937_64 random(2);
    for (uint64_t round = 1; round <= rounds; ++round) {
      ASSERT_TRUE(right.wait_for(round, random)) << "lost in round " << round;
      stall(random);
      left.put(round);
    }
  });
  std::mt19937_64 random(1);
  for (uint64_t round = 1; round <= rounds; ++round) {
    stall(random);
    right.put(round);
    ASSERT_TRUE(left.wait_for(round, random)) << "lost in round " << round;
  }
  other.join();
  EXPECT_GT(left.counters.sleeps + right.counters.sleeps, rounds / 100) << "the test must sleep to mean anything";
}

// Eight against eight: in every round each end publishes to all of the other side and waits for all of them.
TEST(WaiterTest, EightByEightWithStalls_LosesNoWakeUp) {
  constexpr uint32_t kSide = 8;
  const uint64_t rounds = amount(is_sanitized() ? 1'000 : 6'500, 10'000'000) / (amount(0, 1) == 0 ? 1 : 2 * kSide);
  const auto transport = make_transport(M2N_LOOPBACK);
  struct MeshEnd : End {
    using End::End;
    std::array<uint64_t, kSide> words{};
    bool has_all(uint64_t round) const {
      return std::all_of(words.begin(), words.end(), [&](const uint64_t& word) { return load(word) >= round; });
    }
  };
  std::array<std::vector<std::unique_ptr<MeshEnd>>, 2> sides;
  for (auto& side : sides)
    for (uint32_t i = 0; i < kSide; ++i) side.push_back(std::make_unique<MeshEnd>(*transport));
  std::atomic<bool> lost = false;
  const auto run = [&](uint32_t side, uint32_t index) {
    std::mt19937_64 random(side * kSide + index);
    MeshEnd& own = *sides[side][index];
    for (uint64_t round = 1; round <= rounds && !lost; ++round) {
      for (uint32_t i = 0; i < kSide; ++i) {
        stall(random);
        MeshEnd& peer = *sides[1 - side][(index + i) % kSide];
        store(peer.words[index], round);
        peer.bell.ring();
      }
      const auto look = [&]() -> uint64_t {
        if (own.has_all(round)) return 0;
        stall(random);
        return kNever;
      };
      const uint64_t until = now_ns() + 4 * kLostNs;
      if (own.waiter.wait(until, 4 * kLostNs, look, [] {}) != WaitEnd::kReady || now_ns() >= until) lost = true;
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t side = 0; side < 2; ++side)
    for (uint32_t i = 0; i < kSide; ++i) threads.emplace_back(run, side, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(lost);
  uint64_t sleeps = 0;
  for (const auto& side : sides)
    for (const auto& end : side) sleeps += end->counters.sleeps;
  EXPECT_GT(sleeps, rounds) << "the test must sleep to mean anything";
}

// The other side publishes and rings right after the n-th look has found nothing: whatever the waiter has done by then,
// it must not sleep over it.
TEST(WaiterTest, PublishedAfterAnyLook_IsSeen) {
  const auto transport = make_transport(M2N_LOOPBACK);
  for (int n = 1; n <= 8; ++n) {
    End end(*transport, 1);
    int looks = 0;
    const auto look = [&]() -> uint64_t {
      if (load(end.word) == 1) return 0;
      if (++looks < n) return now_ns() + 100'000;  // sleeps end by themselves until the n-th look
      end.put(1);
      return kNever;
    };
    const uint64_t until = now_ns() + 5'000'000'000u;
    EXPECT_EQ(end.waiter.wait(until, kLostNs, look, [] {}), WaitEnd::kReady);
    EXPECT_LT(now_ns(), until) << "slept through what came after look " << n;
  }
}

TEST(WaiterTest, WakesFromManyThreads_AreNeverLost) {
  const auto transport = make_transport(M2N_LOOPBACK);
  End end(*transport);
  std::atomic<bool> stop = false;
  std::vector<std::thread> wakers;
  for (int i = 0; i < 3; ++i) {
    wakers.emplace_back([&] {
      while (!stop) {
        end.waiter.wake();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    });
  }
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(end.waiter.wait(
                  now_ns() + kLostNs, kLostNs, [] { return kNever; }, [] {}),
              WaitEnd::kWoken);
  stop = true;
  for (std::thread& waker : wakers) waker.join();
}

TEST(WaiterTest, LookAgainTime_EndsTheSleep) {
  const auto transport = make_transport(M2N_LOOPBACK);
  End end(*transport);
  const uint64_t due = now_ns() + 3'000'000;
  const auto look = [&] { return now_ns() >= due ? 0 : due; };
  EXPECT_EQ(end.waiter.wait(now_ns() + kLostNs, kLostNs, look, [] {}), WaitEnd::kReady);
  EXPECT_LT(now_ns() - due, 1'000'000'000u);
}

TEST(YieldBudgetTest, FollowsTheMean_WithinItsBounds) {
  YieldBudget budget(0);
  for (int i = 0; i < 100; ++i) budget.ended(60'000);
  EXPECT_NEAR(static_cast<double>(budget.ns()), 120'000, 1'000);
  for (int i = 0; i < 100; ++i) budget.ended(1'000);
  EXPECT_EQ(budget.ns(), kMinYieldNs);
  for (int i = 0; i < 100; ++i) budget.ended(150'000);
  EXPECT_EQ(budget.ns(), kMaxYieldNs);
  for (int i = 0; i < 100; ++i) budget.ended(5'000'000);
  EXPECT_EQ(budget.ns(), kMinYieldNs) << "what takes milliseconds is slept for";
  budget.passed();
  EXPECT_EQ(budget.ns(), 0u) << "idle";
  EXPECT_EQ(YieldBudget(7'000).ns(), 7'000u);
}

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class IdleTest : public testing::TestWithParam<std::tuple<m2n_transport, uint32_t>> {};

TEST_P(IdleTest, WaitingReceiver_UsesNoCpu) {
  const auto [transport, wait_us] = GetParam();
  if (!is_available(transport)) GTEST_SKIP() << m2n_last_error();
  const Handle receiver = open(transport, M2N_RECEIVER, 0);
  const Handle sender = open(transport, M2N_SENDER, 0);
  ASSERT_EQ(connect(sender.get(), 0, receiver.get()), M2N_OK);
  const uint64_t until = now_ns() + 300'000'000;
  const double before = cpu_seconds();
  m2n_batch batch;
  while (now_ns() < until) EXPECT_EQ(m2n_receive(receiver.get(), &kGather, wait_us, &batch), M2N_PENDING);
  // Sanitizers make the few instructions of a wait several times as many.
  EXPECT_LT(cpu_seconds() - before, is_sanitized() ? 0.024 : 0.006) << "2 % of 300 ms";
}

INSTANTIATE_TEST_SUITE_P(TransportAndWaitUs, IdleTest,
                         testing::Combine(testing::Values(M2N_SHM, M2N_UCX, M2N_TCP, M2N_AUTO, M2N_AUTO_UCX),
                                          testing::Values(5'000u, 100'000u, 300'000u)));

}  // namespace
}  // namespace m2n::test

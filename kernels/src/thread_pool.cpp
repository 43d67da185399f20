#include "thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <climits>

namespace mk {
namespace {

using Clock = std::chrono::steady_clock;

void pause_once() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  sched_yield();
#endif
}

long futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr,
                 0);
}

// Returns once `done(word)` holds. `sleepers` tells the other side that a futex wake is needed.
template <typename Done>
void wait_for(std::atomic<uint32_t>& word, std::atomic<uint32_t>& sleepers, WaitBudget budget, Done done) {
  if (done(word.load(std::memory_order_acquire))) return;
  const Clock::time_point start = Clock::now();
  const Clock::time_point pause_until = start + std::chrono::microseconds(budget.pause_us);
  const Clock::time_point yield_until = pause_until + std::chrono::microseconds(budget.yield_us);
  for (Clock::time_point now = start; now < yield_until; now = Clock::now()) {
    if (now < pause_until) {
      for (int i = 0; i < 16; ++i) {
        pause_once();
        if (done(word.load(std::memory_order_acquire))) return;
      }
    } else {
      sched_yield();
      if (done(word.load(std::memory_order_acquire))) return;
    }
  }
  // Sequentially consistent with the other side's store then load: either it sees the sleeper or this thread sees its
  // store.
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  for (uint32_t seen = word.load(std::memory_order_seq_cst); !done(seen); seen = word.load(std::memory_order_seq_cst)) {
    futex(word, FUTEX_WAIT, seen);
  }
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void wake(std::atomic<uint32_t>& word, std::atomic<uint32_t>& sleepers) {
  if (sleepers.load(std::memory_order_seq_cst) != 0) futex(word, FUTEX_WAKE, INT_MAX);
}

// A thread takes one of so many parts of what is left, for each thread.
constexpr uint32_t kSharesPerThread = 3;

constexpr uint64_t kClosed = UINT32_MAX;  // generation 0, beyond every chunk

// The caller waits for chunks already running on other threads: longer pauses than yields would only heat the core.
constexpr WaitBudget kJoinBudget = {50, 2000};

}  // namespace

ThreadPool::ThreadPool(const std::vector<CoreSet>& cores, WaitBudget idle) : idle_(idle) {
  workers_.reserve(cores.size() - 1);
  for (size_t i = 1; i < cores.size(); ++i) {
    workers_.emplace_back([this, own = cores[i]] {
      pthread_setname_np(pthread_self(), "mk-worker");
      (void)confine_this_thread(own);  // The context has tried the set before; losing it since then costs speed only.
      work();
    });
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_seq_cst);
  wake(generation_, sleepers_);
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int64_t count, int64_t grain, RangeFunction function, const void* job) {
  const uint32_t chunks = static_cast<uint32_t>((count + grain - 1) / grain);
  const uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  // Close the last job before its fields change: a thread that is late for it then fails to claim.
  ticket_.store(kClosed, std::memory_order_relaxed);
  function_.store(function, std::memory_order_relaxed);
  job_.store(job, std::memory_order_relaxed);
  count_.store(count, std::memory_order_relaxed);
  grain_.store(grain, std::memory_order_relaxed);
  chunks_.store(chunks, std::memory_order_release);
  unfinished_.store(chunks, std::memory_order_relaxed);
  ticket_.store(static_cast<uint64_t>(generation) << 32, std::memory_order_release);
  generation_.store(generation, std::memory_order_seq_cst);
  wake(generation_, sleepers_);
  take_chunks(generation);
  wait_for(unfinished_, caller_sleeps_, kJoinBudget, [](uint32_t unfinished) { return unfinished == 0; });
}

void ThreadPool::take_chunks(uint32_t generation) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const uint32_t chunk = static_cast<uint32_t>(ticket);
    const RangeFunction function = function_.load(std::memory_order_relaxed);
    const void* job = job_.load(std::memory_order_relaxed);
    const int64_t count = count_.load(std::memory_order_relaxed);
    const int64_t grain = grain_.load(std::memory_order_relaxed);
    const uint32_t chunks = chunks_.load(std::memory_order_acquire);
    if (static_cast<uint32_t>(ticket >> 32) != generation || chunk >= chunks) return;
    // Long runs at first, since memory is quickest in order, single chunks at the end, so that all threads end together.
    const uint32_t share = (chunks - chunk) / (kSharesPerThread * static_cast<uint32_t>(threads()));
    const uint32_t taken = share > 1 ? share : 1;
    if (!ticket_.compare_exchange_weak(ticket, ticket + taken, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    const int64_t begin = chunk * grain;
    const int64_t end = begin + taken * grain;
    function(job, begin, end < count ? end : count);
    if (unfinished_.fetch_sub(taken, std::memory_order_seq_cst) == taken) wake(unfinished_, caller_sleeps_);
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::work() {
  uint32_t seen = 0;
  for (;;) {
    wait_for(generation_, sleepers_, idle_, [seen](uint32_t generation) { return generation != seen; });
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    take_chunks(seen);
  }
}

}  // namespace mk

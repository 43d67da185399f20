// The threads of one context. A job is a range of items cut into chunks; threads take runs of chunks, shorter and shorter
// ones, until none is left, so a thread that the operating system has not yet run holds nobody up.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "cores.h"
#include "runtime.h"

namespace mk {

// How a thread waits: pause, then yield its core, then sleep on a futex.
struct WaitBudget {
  uint32_t pause_us;
  uint32_t yield_us;
};

class ThreadPool {
 public:
  // The cores of each thread, the caller's first; workers are confined to theirs unless it is empty.
  ThreadPool(const std::vector<CoreSet>& cores, WaitBudget idle);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t threads() const { return static_cast<int32_t>(workers_.size()) + 1; }

  // Runs `function` over 0 .. count-1 in chunks of `grain` or runs of them on all threads, the calling one included; returns when all
  // are done. Not reentrant.
  void run(int64_t count, int64_t grain, RangeFunction function, const void* job);

 private:
  void work();
  void take_chunks(uint32_t generation);

  // (generation << 32) | next chunk. A run of chunks is claimed by exchanging the whole word, so a claim that succeeds proves
  // that the job's fields below, read before it, belong to this generation: they change only after every chunk was
  // claimed and finished and the ticket was closed.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  std::atomic<RangeFunction> function_{nullptr};
  std::atomic<const void*> job_{nullptr};
  std::atomic<int64_t> count_{0};
  std::atomic<int64_t> grain_{1};
  std::atomic<uint32_t> chunks_{0};

  alignas(64) std::atomic<uint32_t> unfinished_{0};  // chunks; the caller waits for 0
  std::atomic<uint32_t> caller_sleeps_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};  // workers wait for it to change
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<bool> stopping_{false};

  const WaitBudget idle_;
  std::vector<std::thread> workers_;
};

}  // namespace mk

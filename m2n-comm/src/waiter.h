// How an endpoint waits: a short pause-spin, then sched_yield, then sleep on its doorbell. The spin wins when the peer
// has a core of its own, the yield when processes share cores, the sleep when the wait is long. How long to yield
// follows the running mean of the waits: what is not expected within the budget is better slept for.
#ifndef M2N_SRC_WAITER_H
#define M2N_SRC_WAITER_H

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "clock.h"
#include "doorbell.h"
#include "m2n/m2n.h"
#include "shared_memory.h"

namespace m2n {

constexpr uint64_t kDefaultSpinNs = 2'000;
constexpr uint64_t kMinYieldNs = 50'000;
constexpr uint64_t kMaxYieldNs = 200'000;
// A yield that is back so soon found nobody else on the core. While that is so, spinning longer costs nobody anything, and
// a yield, up to 1.3 us in a virtual machine, is only late for the peer.
constexpr uint64_t kQuickYieldNs = 2'000;
constexpr uint64_t kSpinAloneNs = 16'000;

// The yield budget of an endpoint from its running mean.
class YieldBudget {
 public:
  // `fixed_ns`: 0 to follow the mean.
  explicit YieldBudget(uint64_t fixed_ns) : fixed_ns_(fixed_ns) {}

  uint64_t ns() const {
    if (idle_) return 0;
    if (fixed_ns_ != 0) return fixed_ns_;
    // Beyond twice the most we would yield, the work is not coming soon.
    return mean_ns_ > 2 * kMaxYieldNs ? kMinYieldNs : std::clamp(2 * mean_ns_, kMinYieldNs, kMaxYieldNs);
  }
  void ended(uint64_t waited_ns) {
    idle_ = false;
    mean_ns_ = (7 * mean_ns_ + std::min(waited_ns, kMaxCountedNs)) / 8;
  }
  // The wait slept until its bound: the next one has no reason to stay awake.
  void passed() { idle_ = true; }

 private:
  static constexpr uint64_t kMaxCountedNs = 1'000'000;  // one idle second must not hide the pace before and after it

  uint64_t fixed_ns_;
  uint64_t mean_ns_ = kMaxYieldNs / 2;
  bool idle_ = false;
};

// Tells the core that this is a spin.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Where an endpoint sleeps that waits for sockets too; it must also end when its doorbell's pipe is written.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  virtual void sleep(uint64_t bound_ns) = 0;
};

enum class WaitEnd { kReady, kWoken, kPassed };

class Waiter {
 public:
  Waiter(Doorbell own, uint64_t spin_ns, uint64_t yield_ns, m2n_counters& counters)
      : own_(own),
        spin_ns_(spin_ns != 0 ? spin_ns : kDefaultSpinNs),
        spin_alone_ns_(spin_ns != 0 ? spin_ns : kSpinAloneNs),
        yield_(yield_ns),
        counters_(counters) {}

  // Instead of sleeping on the doorbell's word.
  void sleep_in(Sleeper* sleeper) { sleeper_ = sleeper; }

  // Any thread.
  void wake() {
    store(woken_, 1u);
    own_.ring();
  }

  // Until look() says kReady or the clock says until_ns. look() returns 0 when there is what was waited for, else the
  // time at which to look again although nobody rings (kNever if none). each_slice() runs at least every slice_ns of
  // sleep: for noticing what does not ring, such as a peer's death.
  template <class Look, class EachSlice>
  WaitEnd wait(uint64_t until_ns, uint64_t slice_ns, Look&& look, EachSlice&& each_slice) {
    return run<true>(until_ns, slice_ns, look, each_slice);
  }

  // The same, but a wake-up does not end it; it is kept for the next wait.
  template <class Look>
  WaitEnd wait_through(uint64_t until_ns, Look&& look) {
    return run<false>(until_ns, kNever - until_ns, look, [] {});
  }

 private:
  template <bool kHeedsWake, class Look, class EachSlice>
  WaitEnd run(uint64_t until_ns, uint64_t slice_ns, Look& look, EachSlice&& each_slice) {
    uint64_t again_ns = look();
    if (again_ns == 0) return WaitEnd::kReady;
    if (kHeedsWake && take_wake()) return WaitEnd::kWoken;
    const uint64_t start_ns = now_ns();
    if (start_ns >= until_ns) return WaitEnd::kPassed;
    ++counters_.waits;
    uint64_t spin_until_ns = start_ns + (alone_ ? spin_alone_ns_ : spin_ns_);
    const uint64_t sleep_from_ns = spin_until_ns + yield_.ns();
    bool slept = false;
    for (;;) {
      const uint64_t now = now_ns();
      uint64_t looked_ns = now;  // near enough, unless it slept
      if (now >= until_ns) {
        if (slept) yield_.passed();
        return WaitEnd::kPassed;
      }
      if (now < spin_until_ns) {
        relax();
      } else if (now < sleep_from_ns) {
        sched_yield();
        const uint64_t back_ns = now_ns();
        alone_ = back_ns - now < kQuickYieldNs;
        if (alone_) spin_until_ns = back_ns + kQuickYieldNs;
      } else {
        const uint32_t announced = own_.announce_sleep(sleeper_ != nullptr ? kOnPipe : kOnWord);
        again_ns = look();
        if (again_ns != 0 && !(kHeedsWake && load(woken_) != 0)) {
          if (!slept) ++counters_.sleeps;
          slept = true;
          const uint64_t wake_ns = std::min({until_ns, again_ns, now + slice_ns});
          const uint64_t bound_ns = wake_ns > now ? wake_ns - now : 0;
          if (sleeper_ != nullptr)
            sleeper_->sleep(bound_ns);
          else
            own_.sleep(announced, bound_ns);
        }
        own_.awake();
        each_slice();
        looked_ns = now_ns();
      }
      again_ns = look();
      if (again_ns == 0) {
        yield_.ended(looked_ns - start_ns);
        return WaitEnd::kReady;
      }
      if (kHeedsWake && take_wake()) return WaitEnd::kWoken;
    }
  }

  bool take_wake() { return load(woken_) != 0 && exchange_if(woken_, 1u, 0u); }

  Doorbell own_;
  Sleeper* sleeper_ = nullptr;
  uint64_t spin_ns_, spin_alone_ns_;
  YieldBudget yield_;
  bool alone_ = false;  // the last yield found nobody else on this core
  m2n_counters& counters_;
  uint32_t woken_ = 0;
};

}  // namespace m2n

#endif

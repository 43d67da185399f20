// The protocol of sleeping and waking, explored exhaustively: every interleaving of one waiter and two who publish and
// ring, step by step as doorbell.cpp and waiter.h take them, on a machine with store buffers. No interleaving may end with
// the waiter asleep over something published. Run on the protocol as it is, and on six that are wrong in one step each,
// which must be found out.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <vector>

namespace m2n::test {
namespace {

constexpr int kRingers = 2;

// What a variant does wrong.
enum class Fault {
  kNone,
  kLooksBeforeAnnouncing,   // the waiter looks for work, then says that it sleeps
  kRingsBeforePublishing,   // a ringer looks whether the waiter sleeps, then publishes
  kSleepsWithoutComparing,  // the waiter sleeps whatever has become of the bell since it read it
  kNoRingInTheMiddle,       // a ringer wakes without changing the bell
  kNoFence,                 // a ringer looks whether the waiter sleeps while what it published is in its store buffer
  kNoOrderInAnnouncing,     // the waiter looks for work while `sleeping` is in its store buffer
};

struct State {
  // Shared words.
  uint8_t published = 0;  // by how many ringers
  uint8_t sleeping = 0, bell = 0;
  // The waiter: where it is, what it has seen.
  uint8_t waiter = 0, announced = 0, seen = 0, in_kernel = 0;
  // Each ringer: where it is, whether it found the waiter asleep, and whether its store is still in its store buffer.
  std::array<uint8_t, kRingers> ringer{}, found{}, buffered{};
  uint8_t waiter_buffered = 0;  // the waiter's store of `sleeping`
  auto operator<=>(const State&) const = default;
};

// The waiter's steps, in order; it goes round until it has seen everything.
enum WaiterStep : uint8_t { kReadBell, kAnnounce, kLook, kSleep, kAsleep, kAwake, kDone };
enum RingerStep : uint8_t { kPublish, kFence, kLookAsleep, kChangeBell, kWake, kRung };

class Explorer {
 public:
  explicit Explorer(Fault fault) : fault_(fault) {}

  // Whether some interleaving loses a wake-up; `states` are those reached.
  bool loses_a_wake_up() {
    std::vector<State> open{State{}};
    states_.insert(State{});
    while (!open.empty()) {
      const State state = open.back();
      open.pop_back();
      next_.clear();
      step_waiter(state);
      for (int i = 0; i < kRingers; ++i) step_ringer(state, i);
      flush(state);
      if (next_.empty() && state.waiter != kDone) return true;  // asleep, and nobody will ring any more
      for (const State& next : next_)
        if (states_.insert(next).second) open.push_back(next);
    }
    return false;
  }
  std::size_t states() const { return states_.size(); }

 private:
  void step_waiter(State state) {
    const bool looks_first = fault_ == Fault::kLooksBeforeAnnouncing;
    switch (state.waiter) {
      case kReadBell:
        state.announced = state.bell;
        if (looks_first) {
          state.seen = state.published;
          state.waiter = state.seen == kRingers ? kAwake : kAnnounce;
        } else {
          state.waiter = kAnnounce;
        }
        break;
      case kAnnounce:
        if (fault_ == Fault::kNoOrderInAnnouncing)
          state.waiter_buffered = 1;
        else
          state.sleeping = 1;
        state.waiter = looks_first ? kSleep : kLook;
        break;
      case kLook:
        state.seen = state.published;
        state.waiter = state.seen == kRingers ? kAwake : kSleep;
        break;
      case kSleep:  // the kernel compares and sleeps in one step
        state.waiter_buffered = 0;
        if (fault_ == Fault::kNoOrderInAnnouncing) state.sleeping = 1;
        state.waiter = state.bell == state.announced || fault_ == Fault::kSleepsWithoutComparing ? kAsleep : kAwake;
        break;
      case kAsleep:
        return;  // until it is woken
      case kAwake:
        state.waiter_buffered = 0;
        state.sleeping = 0;
        state.seen = state.published;
        state.waiter = state.seen == kRingers ? kDone : kReadBell;
        break;
      default:
        return;
    }
    next_.push_back(state);
  }

  void step_ringer(State state, int i) {
    switch (state.ringer[i]) {
      case kPublish:
        if (fault_ == Fault::kRingsBeforePublishing)
          state.found[i] = state.sleeping;
        else
          state.buffered[i] = 1;
        break;
      case kFence:
        if (fault_ != Fault::kNoFence) publish_buffered(state, i);
        break;
      case kLookAsleep:
        if (fault_ == Fault::kRingsBeforePublishing)
          state.buffered[i] = 1;
        else
          state.found[i] = state.sleeping;
        break;
      case kChangeBell:  // a locked instruction: it empties the store buffer
        publish_buffered(state, i);
        if (state.found[i] != 0 && fault_ != Fault::kNoRingInTheMiddle) ++state.bell;
        break;
      case kWake:
        if (state.found[i] != 0 && state.waiter == kAsleep) state.waiter = kAwake;
        break;
      default:
        return;
    }
    ++state.ringer[i];
    next_.push_back(state);
  }

  static void publish_buffered(State& state, int i) {
    state.published = static_cast<uint8_t>(state.published + state.buffered[i]);
    state.buffered[i] = 0;
  }

  // A store buffer empties when it likes.
  void flush(const State& state) {
    for (int i = 0; i < kRingers; ++i) {
      if (state.buffered[i] == 0) continue;
      State next = state;
      publish_buffered(next, i);
      next_.push_back(next);
    }
    if (state.waiter_buffered == 0) return;
    State next = state;
    next.waiter_buffered = 0;
    next.sleeping = 1;
    next_.push_back(next);
  }

  Fault fault_;
  std::set<State> states_;
  std::vector<State> next_;
};

TEST(SleepModelTest, TheProtocol_LosesNoWakeUp_InAnyInterleaving) {
  Explorer explorer(Fault::kNone);
  EXPECT_FALSE(explorer.loses_a_wake_up());
  EXPECT_GT(explorer.states(), 200u);
}

TEST(SleepModelTest, EachWrongStep_IsFoundOut) {
  for (const Fault fault :
       {Fault::kLooksBeforeAnnouncing, Fault::kRingsBeforePublishing, Fault::kSleepsWithoutComparing,
        Fault::kNoRingInTheMiddle, Fault::kNoFence, Fault::kNoOrderInAnnouncing})
    EXPECT_TRUE(Explorer(fault).loses_a_wake_up()) << static_cast<int>(fault);
}

}  // namespace
}  // namespace m2n::test

// What the machine itself allows. HOW memcpy: one thread copies BYTES from one buffer to another, both in cache; HOW
// futex: two processes wake each other, one way; HOW line: two processes on a core each hand a cache line to and fro, one way;
// HOW relay: one makes messages of BYTES in four places in turn, the other reads them, with a flag for each and nothing
// else. The last two say how far apart the cores are: in a virtual machine they may share one core's cache in one minute
// and be on different dies in the next. Same command line and output as the engines.
#include <linux/futex.h>
#include <sys/syscall.h>

#include "rounds.h"

namespace {

using namespace bench;

void measure_memcpy(const Shape& shape) {
  pin(0);
  // Half a page apart: where the low 12 bits of a load's address are those of a store just before, it waits.
  constexpr std::size_t kPage = 4096;
  std::vector<char> memory(2 * shape.bytes + 2 * kPage, 1);
  char* from = memory.data() + kPage - reinterpret_cast<std::uintptr_t>(memory.data()) % kPage;
  char* to = from + shape.bytes + kPage / 2;
  std::vector<double> copy_us;
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint64_t copies = 0;
  while (now_ns() < until) {
    const uint64_t before = now_ns();
    for (int i = 0; i < 8; ++i) {
      std::memcpy(to, from, shape.bytes);
      asm volatile("" : : "r"(to) : "memory");
    }
    copies += 8;
    if (copy_us.size() < 4'000'000) copy_us.push_back(static_cast<double>(now_ns() - before) * 1e-3 / 8);
  }
  Shape once = shape;
  once.senders = 1, once.receivers = 1, once.how = "stream";
  report(once, copy_us, static_cast<double>(now_ns() - started) * 1e-9, copies);
}

// The other process's part on core 1 while this one's runs on core 0.
template <class Child, class Parent>
void beside(const Shape& shape, Child&& child, Parent&& parent) {
  const pid_t id = fork();
  if (id == 0) {
    pin(1);
    alarm(static_cast<unsigned>(shape.seconds * 4) + 30);  // it may be left alone while it spins
    child();
    std::_Exit(0);
  }
  pin(0);
  parent();
  waitpid(id, nullptr, 0);
}

void put(std::atomic<uint32_t>& word, uint32_t value) {
  word.store(value);
  syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}
void wait(std::atomic<uint32_t>& word, uint32_t value) {
  while (word.load() != value) syscall(SYS_futex, &word, FUTEX_WAIT, value - 1, nullptr, nullptr, 0);
}

void measure_futex(const Shape& shape) {
  struct Words {
    alignas(128) std::atomic<uint32_t> there;
    alignas(128) std::atomic<uint32_t> back;
    std::atomic<uint32_t> last;
  };
  void* memory = mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& words = *static_cast<Words*>(memory);
  words.last = ~0u;
  std::vector<double> round_us;
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint32_t i = 1;
  beside(
      shape,
      [&] {
        for (uint32_t k = 1; k <= words.last; ++k) {
          wait(words.there, k);
          put(words.back, k);
        }
      },
      [&] {
        for (bool last = false; !last; ++i) {
          last = now_ns() > until;
          if (last) words.last = i;
          const uint64_t before = now_ns();
          put(words.there, i);
          wait(words.back, i);
          round_us.push_back(static_cast<double>(now_ns() - before) * 1e-3);
        }
      });
  Shape pair = shape;
  pair.senders = pair.receivers = 1;
  report(pair, round_us, static_cast<double>(now_ns() - started) * 1e-9, i - 1);
}

void await(const std::atomic<uint64_t>& word, uint64_t value) {
  while (word.load(std::memory_order_acquire) < value) {
  }
}

struct Counters {
  alignas(128) std::atomic<uint64_t> there;
  alignas(128) std::atomic<uint64_t> back;
  alignas(128) std::atomic<uint64_t> last;
};

Counters& shared_counters(std::size_t more, char** data) {
  void* memory = mmap(nullptr, 4096 + more, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("no shared memory");
  *data = static_cast<char*>(memory) + 4096;
  auto& counters = *static_cast<Counters*>(memory);
  counters.last = ~uint64_t{0};
  return counters;
}

void measure_line(const Shape& shape) {
  char* nothing;
  Counters& counters = shared_counters(0, &nothing);
  constexpr uint64_t kTrips = 100;
  std::vector<double> trip_us;
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint64_t i = 0;
  beside(
      shape,
      [&] {
        for (uint64_t k = 1; k <= counters.last; ++k) {
          await(counters.there, k);
          counters.back.store(k, std::memory_order_release);
        }
      },
      [&] {
        const auto trip = [&] {
          counters.there.store(++i, std::memory_order_release);
          await(counters.back, i);
        };
        for (uint64_t now = started; now < until;) {
          const uint64_t before = now;
          for (uint64_t k = 0; k < kTrips; ++k) trip();
          now = now_ns();
          trip_us.push_back(static_cast<double>(now - before) * 1e-3 / kTrips);
        }
        counters.last = i + 1;
        trip();
      });
  Shape pair = shape;
  pair.senders = pair.receivers = 1;
  report(pair, trip_us, static_cast<double>(now_ns() - started) * 1e-9, i);
}

void measure_relay(const Shape& shape) {
  constexpr uint64_t kPlaces = 4;
  char* data;
  Counters& counters = shared_counters(kPlaces * shape.bytes, &data);
  std::vector<double> message_us;
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint64_t round = 1;
  beside(
      shape,
      [&] {
        for (uint64_t k = 1; k <= counters.last; ++k) {
          await(counters.there, k);
          read(data + k % kPlaces * shape.bytes, shape.bytes, k);
          counters.back.store(k, std::memory_order_release);
        }
      },
      [&] {
        for (bool last = false; !last; ++round) {
          const uint64_t before = now_ns();
          last = before > until;
          if (last) counters.last = round;
          if (round > kPlaces) await(counters.back, round - kPlaces);
          make(data + round % kPlaces * shape.bytes, shape.bytes, round);
          counters.there.store(round, std::memory_order_release);
          message_us.push_back(static_cast<double>(now_ns() - before) * 1e-3);
        }
      });
  Shape once = shape;
  once.senders = 1, once.receivers = 1, once.how = "stream";
  report(once, message_us, static_cast<double>(now_ns() - started) * 1e-9, round - 1);
}

}  // namespace

int main(int argc, char** argv) {
  const Shape shape = parse(argc, argv);
  const auto measure = shape.how == "futex"   ? measure_futex
                       : shape.how == "line"  ? measure_line
                       : shape.how == "relay" ? measure_relay
                                              : measure_memcpy;
  measure(shape);
}

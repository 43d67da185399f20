// What the machine itself allows. HOW memcpy: one thread copies BYTES from one buffer to another, both in cache; HOW
// futex: two processes wake each other, one way. Same command line and output as the engines.
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
  const pid_t child = fork();
  if (child == 0) {
    pin(1);
    for (uint32_t i = 1; i <= words.last; ++i) {
      wait(words.there, i);
      put(words.back, i);
    }
    std::_Exit(0);
  }
  pin(0);
  std::vector<double> round_us;
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint32_t i = 1;
  for (bool last = false; !last; ++i) {
    last = now_ns() > until;
    if (last) words.last = i;
    const uint64_t before = now_ns();
    put(words.there, i);
    wait(words.back, i);
    round_us.push_back(static_cast<double>(now_ns() - before) * 1e-3);
  }
  waitpid(child, nullptr, 0);
  Shape pair = shape;
  pair.senders = pair.receivers = 1;
  report(pair, round_us, static_cast<double>(now_ns() - started) * 1e-9, i - 1);
}

}  // namespace

int main(int argc, char** argv) {
  const Shape shape = parse(argc, argv);
  shape.how == "futex" ? measure_futex(shape) : measure_memcpy(shape);
}

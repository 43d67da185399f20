// Reading and writing memory that a peer may be writing at the same time.
#ifndef M2N_SRC_SHARED_MEMORY_H
#define M2N_SRC_SHARED_MEMORY_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace m2n {

static_assert(std::atomic_ref<uint32_t>::is_always_lock_free && std::atomic_ref<uint64_t>::is_always_lock_free,
              "a lock inside an atomic would not be shared between processes");

// Every word two sides meet on is read and written sequentially consistent, so that nobody need think about it; the one
// exception is publish(), which is on the path of every message.
template <class Word>
inline Word load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_seq_cst);
}

template <class Word>
inline void store(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_seq_cst);
}

// Makes `word` visible after all that was written before it. Not ordered with loads that follow: a fence() must come
// between it and "does the peer sleep?", against the peer's "I sleep; was something published?", or a wake-up is lost.
// The two together cost the publisher as much as a store() does, and the peer sees the word a cache line's way sooner:
// on x86 store() is a locked exchange, which asks for the line only when all earlier stores have drained.
template <class Word>
inline void publish(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

inline void fence() {
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"  // it does not follow fences; what is published is ordered by publish() anyway
#endif
  std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

template <class Word>
inline bool exchange_if(Word& word, Word expected, Word value) {
  return std::atomic_ref<Word>(word).compare_exchange_strong(expected, value, std::memory_order_seq_cst);
}

// Asks for the first lines of what the peer wrote, before they are read one after the other: each is a way to the
// peer's core and back.
inline void prefetch(const void* place, int lines = 1) {
  for (int i = 0; i < lines; ++i) __builtin_prefetch(static_cast<const std::byte*>(place) + i * 64);
}

// Copies peer-writable memory into private memory exactly once: the barrier keeps the compiler from looking at `from`
// again, so what is checked is what is used.
inline void copy_once(void* to, const void* from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
  asm volatile("" : : "r"(to) : "memory");
}

}  // namespace m2n

#endif

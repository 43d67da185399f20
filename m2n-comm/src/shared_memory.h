// Reading and writing memory that a peer may be writing at the same time.
#ifndef M2N_SRC_SHARED_MEMORY_H
#define M2N_SRC_SHARED_MEMORY_H

#include <atomic>
#include <cstdint>
#include <cstring>

namespace m2n {

static_assert(std::atomic_ref<uint32_t>::is_always_lock_free && std::atomic_ref<uint64_t>::is_always_lock_free,
              "a lock inside an atomic would not be shared between processes");

// Every word two sides meet on is read and written sequentially consistent: "publish, then look whether the peer
// sleeps" against "say that I sleep, then look whether something was published" needs one total order of the four.
template <class Word>
inline Word load(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_seq_cst);
}

template <class Word>
inline void store(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_seq_cst);
}

template <class Word>
inline bool exchange_if(Word& word, Word expected, Word value) {
  return std::atomic_ref<Word>(word).compare_exchange_strong(expected, value, std::memory_order_seq_cst);
}

// Copies peer-writable memory into private memory exactly once: the barrier keeps the compiler from looking at `from`
// again, so what is checked is what is used.
inline void copy_once(void* to, const void* from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
  asm volatile("" : : "r"(to) : "memory");
}

}  // namespace m2n

#endif

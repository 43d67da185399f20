// m2n_copy: rows made elsewhere, into a slot.
#include <cstring>

// Sanitizers do not see what an instruction of ours writes.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define M2N_HAS_STRINGS
#include <cpuid.h>
#endif

#include "m2n/m2n.h"

namespace {

#if defined(M2N_HAS_STRINGS)
constexpr uint64_t kFewBytes = 4096;  // below, starting the string instruction costs more than it saves

// Whether string instructions are fast here (ERMS).
bool has_fast_strings() {
  unsigned int a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & 1u << 9) != 0;
}
#endif

}  // namespace

void m2n_copy(void* slot, const void* from, uint64_t bytes) {
  if (bytes == 0) return;
#if defined(M2N_HAS_STRINGS)
  static const bool fast = has_fast_strings();
  if (fast && bytes >= kFewBytes) {
    asm volatile("rep movsb" : "+D"(slot), "+S"(from), "+c"(bytes) : : "memory");
    return;
  }
#endif
  std::memcpy(slot, from, bytes);
}

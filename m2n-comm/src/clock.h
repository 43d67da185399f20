// The one clock of the library: monotonic nanoseconds, comparable between processes of one host.
#ifndef M2N_SRC_CLOCK_H
#define M2N_SRC_CLOCK_H

#include <time.h>

#include <cstdint>
#include <limits>

namespace m2n {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

inline uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

// `us` microseconds after `start_ns`; kNever if that is beyond the clock.
inline uint64_t after_us(uint64_t start_ns, uint64_t us) {
  return us > (kNever - start_ns) / 1000u ? kNever : start_ns + us * 1000u;
}

}  // namespace m2n

#endif

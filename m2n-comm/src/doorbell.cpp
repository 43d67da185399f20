#include "doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "shared_memory.h"

namespace m2n {

void Doorbell::ring() const {
  if (load(shared_->sleeping) == 0) return;
  std::atomic_ref<uint32_t>(shared_->bell).fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &shared_->bell, private_ ? FUTEX_WAKE_PRIVATE : FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint32_t Doorbell::announce_sleep() const {
  const uint32_t announced = load(shared_->bell);
  store(shared_->sleeping, 1u);
  return announced;
}

void Doorbell::sleep(uint32_t announced, uint64_t bound_ns) const {
  const timespec bound{static_cast<time_t>(bound_ns / 1'000'000'000u), static_cast<long>(bound_ns % 1'000'000'000u)};
  syscall(SYS_futex, &shared_->bell, private_ ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT, announced, &bound, nullptr, 0);
}

void Doorbell::awake() const { store(shared_->sleeping, 0u); }

}  // namespace m2n

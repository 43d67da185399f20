#include "doorbell.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>

#include "failure.h"
#include "shared_memory.h"

namespace m2n {

void Doorbell::ring() const {
  fence();
  const uint32_t kind = load(shared_->sleeping);
  if (kind == kAwake) return;
  if (kind == kOnPipe && pipe_ >= 0) {
    // A full pipe has woken the owner already.
    [[maybe_unused]] const ssize_t written = write(pipe_, "", 1);
    return;
  }
  std::atomic_ref<uint32_t>(shared_->bell).fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &shared_->bell, private_ ? FUTEX_WAKE_PRIVATE : FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint32_t Doorbell::announce_sleep(SleepKind kind) const {
  const uint32_t announced = load(shared_->bell);
  store(shared_->sleeping, static_cast<uint32_t>(kind));
  return announced;
}

void Doorbell::sleep(uint32_t announced, uint64_t bound_ns) const {
  const timespec bound{static_cast<time_t>(bound_ns / 1'000'000'000u), static_cast<long>(bound_ns % 1'000'000'000u)};
  syscall(SYS_futex, &shared_->bell, private_ ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT, announced, &bound, nullptr, 0);
}

void Doorbell::awake() const { store(shared_->sleeping, static_cast<uint32_t>(kAwake)); }

namespace {

// The owner says which descriptor it is, and may say anything: only a pipe will do. Opened for reading too, since
// writing to a pipe that nobody can read from is a signal.
Descriptor open_pipe(const RegionName& name, int32_t descriptor) {
  if (descriptor <= 0) return Descriptor();
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/fd/%d", name.pid, descriptor);
  Descriptor pipe(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (!pipe || fstat(pipe.get(), &status) != 0 || !S_ISFIFO(status.st_mode))
    throw Failure(M2N_INVALID, sentence("process %u has no pipe where its doorbell says so", name.pid));
  return pipe;
}

}  // namespace

PeerDoorbell::PeerDoorbell(const Transport& transport, const RegionName& name)
    : region_(transport.map(name, kDoorbellMagic, kDoorbellBytes)),
      pipe_(open_pipe(name, load(reinterpret_cast<DoorbellShared*>(region_->base())->pipe))),
      bell_(*region_, transport.is_private(), pipe_.get()) {}

}  // namespace m2n

#include "transports/shm/shm_transport.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "failure.h"
#include "shared_memory.h"
#include "transports/shm/process.h"

namespace m2n {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

class ShmRegion final : public Region {
 public:
  ShmRegion(std::byte* base, const RegionName& name, Descriptor descriptor)
      : Region(base, name), descriptor_(std::move(descriptor)) {}
  ~ShmRegion() override {
    if (rows_ != nullptr) release_rows_(rows_);
    munmap(base_, name_.bytes);
  }
  std::byte* row_memory() const override { return rows_; }
  void unname() override { descriptor_.reset(); }
  // Takes it over.
  void have_rows(void* rows, void (*release)(void*)) {
    rows_ = static_cast<std::byte*>(rows);
    release_rows_ = release;
  }

 private:
  Descriptor descriptor_;  // of the creator: what the name points to
  std::byte* rows_ = nullptr;
  void (*release_rows_)(void*) = nullptr;
};

class ProcessWatch final : public PeerWatch {
 public:
  explicit ProcessWatch(Descriptor process) : process_(std::move(process)) {}
  bool alive() const override { return !has_ended(process_); }

 private:
  Descriptor process_;
};

// Pages are mapped when first used: slots are sized for the worst routing, and a node that meets many peers would hold
// them all. The pages themselves exist from the start (fallocate), so the first use costs a fault and cannot fail.
std::byte* map_region(const Descriptor& descriptor, uint64_t bytes) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (base == MAP_FAILED)
    throw Failure(M2N_INTERNAL, sentence("a shared region of %lu bytes cannot be mapped: %s", bytes, strerror(errno)));
  return static_cast<std::byte*>(base);
}

// Every region bears its own name from the moment it exists, before it has its size and seals.
std::string file_name(const uint64_t (&nonce)[2]) { return sentence("m2n-%016lx%016lx", nonce[0], nonce[1]); }

// A process that closed a region may have another under the same descriptor by now, perhaps one that it is still making.
void check_identity(const Descriptor& file, const RegionName& name) {
  char path[64], target[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file.get());
  const ssize_t length = readlink(path, target, sizeof target);
  const std::string_view is(target, length < 0 ? 0 : static_cast<std::size_t>(length));
  if (is.starts_with("/memfd:m2n-") && !is.starts_with("/memfd:" + file_name(name.nonce)))
    throw Failure(M2N_PEER_LOST, sentence("process %u has another region now: it closed this one", name.pid));
}

// A hostile name may point to a pipe, a device, or a file that shrinks while it is mapped: only a sealed memfd of this
// user and size will do.
void check_file(const Descriptor& file, const RegionName& name, uint64_t bytes) {
  struct stat status;
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
    throw Failure(M2N_INVALID,
                  sentence("descriptor %d of process %u is not a region of this user", name.descriptor, name.pid));
  const int seals = fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSizeSeals) != kSizeSeals)
    throw Failure(M2N_INVALID, sentence("the region of process %u is not sealed in size", name.pid));
  if (static_cast<uint64_t>(status.st_size) != bytes)
    throw Failure(M2N_INVALID, sentence("the region of process %u has %ld bytes where %lu are expected", name.pid,
                                        status.st_size, bytes));
}

}  // namespace

ShmTransport::ShmTransport(const m2n_row_memory& rows)
    : rows_(rows), started_(start_time(static_cast<uint32_t>(getpid()))) {
  // /proc/<pid>/fd of such a process belongs to root, so no peer could open our regions.
  if (prctl(PR_GET_DUMPABLE) != 1)
    throw Failure(M2N_INVALID,
                  "this process is not dumpable (it is setuid, has file capabilities, or asked for it), so peers "
                  "cannot reach its shared memory; "
                  "start it without");
  if (started_ == 0)
    throw Failure(M2N_INTERNAL, "/proc is not mounted; shared memory peers find each other through it");
}

std::unique_ptr<Region> ShmTransport::create(uint64_t magic, uint64_t bytes, uint64_t row_memory_bytes) const {
  // Asked for more than there is, the system would not refuse but end processes.
  if (bytes > static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)))
    throw Failure(M2N_INTERNAL, sentence("no memory for a shared region of %lu bytes: the machine has less", bytes));
  RegionName name{static_cast<uint32_t>(getpid()), -1, started_, {0, 0}, bytes};
  fill_nonce(name.nonce);
  Descriptor file(memfd_create(file_name(name.nonce).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throw Failure(M2N_INTERNAL, sentence("memfd_create failed: %s", strerror(errno)));
  // The pages are taken now: later there is nobody to tell that memory has run out.
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 ||
      fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)) != 0)
    throw Failure(M2N_INTERNAL, sentence("no memory for a shared region of %lu bytes: %s", bytes, strerror(errno)));
  if (fcntl(file.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0)
    throw Failure(M2N_INTERNAL, sentence("a shared region cannot be sealed: %s", strerror(errno)));
  name.descriptor = file.get();
  std::byte* base = map_region(file, bytes);
  const RegionHeader header{magic, {name.nonce[0], name.nonce[1]}, bytes};
  std::memcpy(base, &header, sizeof header);
  auto region = std::make_unique<ShmRegion>(base, name, std::move(file));
  if (row_memory_bytes == 0) return region;
  void* rows = rows_.allocate(rows_.user, row_memory_bytes);
  if (rows == nullptr) throw Failure(M2N_INTERNAL, sentence("row_memory has no %lu bytes left", row_memory_bytes));
  region->have_rows(rows, rows_.release);
  return region;
}

Descriptor ShmTransport::share_rows(const Region& region) const {
  Descriptor memory(rows_.share(rows_.user, region.row_memory()));
  if (!memory) throw Failure(M2N_INTERNAL, "row_memory cannot be shared with another process");
  return memory;
}

void ShmTransport::map_rows(Region& region, const Descriptor& memory, uint64_t bytes) const {
  void* rows = rows_.map(rows_.user, memory.get(), bytes);
  if (rows == nullptr) throw Failure(M2N_INVALID, sentence("the sender's row memory is not %lu bytes of ours", bytes));
  static_cast<ShmRegion&>(region).have_rows(rows, rows_.release);
}

std::unique_ptr<Region> ShmTransport::map(const RegionName& name, uint64_t magic, uint64_t bytes) const {
  if (name.bytes != bytes)
    throw Failure(M2N_INVALID, sentence("the peer's region has %lu bytes where %lu are expected", name.bytes, bytes));
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/fd/%d", name.pid, name.descriptor);
  // Not blocking: the path may lead to a pipe.
  Descriptor file(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && (errno == EACCES || errno == EPERM))
    throw Failure(
        M2N_INVALID,
        sentence(
            "process %u does not let this one open its regions: both must run as one user, with the same capabilities",
            name.pid));
  if (!file)
    throw Failure(M2N_PEER_LOST,
                  sentence("the region of process %u is gone: the process has ended or closed it", name.pid));
  check_identity(file, name);
  check_file(file, name, bytes);
  auto region = std::make_unique<ShmRegion>(map_region(file, bytes), name, Descriptor());
  RegionHeader header;
  copy_once(&header, region->base(), sizeof header);
  if (header.magic != magic || header.nonce[0] != name.nonce[0] || header.nonce[1] != name.nonce[1])
    throw Failure(M2N_PEER_LOST, sentence("process %u has another region now: it was started again", name.pid));
  return region;
}

std::unique_ptr<PeerWatch> ShmTransport::watch(const RegionName& name) const {
  Descriptor process = open_process(name.pid);
  // Compared after the descriptor pins the process, so that a reused id shows.
  if (!process || start_time(name.pid) != name.started || has_ended(process))
    throw Failure(M2N_PEER_LOST, sentence("process %u has ended", name.pid));
  return std::make_unique<ProcessWatch>(std::move(process));
}

}  // namespace m2n

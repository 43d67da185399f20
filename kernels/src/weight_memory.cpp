#include "weight_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "error.h"
#include "memory.h"

namespace mk {
namespace {

constexpr uint64_t kSmallPage = 4u << 10;
constexpr uint64_t kHugePage = 2u << 20;
// Moved at once: large enough that a large model does not become too many mappings, small enough to need little more
// memory than the weights.
constexpr uint64_t kPart = 8 * kHugePage;

uint64_t rounded_up(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

char* aligned(void* address) {
  return reinterpret_cast<char*>(rounded_up(reinterpret_cast<uint64_t>(address), kHugePage));
}

// Addresses without memory.
void* reserve(uint64_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? nullptr : address;
}

void read_all(int file, char* to, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes;) {
    const ssize_t count = pread(file, to + done, bytes - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw Error(MK_INVALID, "the file of a weight cannot be read");
    done += static_cast<uint64_t>(count);
  }
}

}  // namespace

WeightMemory::WeightMemory(uint64_t bytes) : address_(allocate_memory(bytes)), bytes_(bytes) {}

WeightMemory::WeightMemory(int file, uint64_t bytes) : bytes_(bytes) {
  struct stat status = {};
  if (fstat(file, &status) != 0 || static_cast<uint64_t>(status.st_size) < bytes)
    throw Error(MK_INVALID, "the file of a weight has not the " + std::to_string(bytes) + " bytes of such a weight");
  if (bytes < kHugePage) {  // a mapping of its own would cost more than the copy
    std::unique_ptr<void, decltype(&free_memory)> memory(allocate_memory(bytes), &free_memory);
    read_all(file, static_cast<char*>(memory.get()), bytes);
    address_ = memory.release();
    return;
  }
  reserved_bytes_ = rounded_up(bytes, kHugePage) + kHugePage;
  reserved_ = reserve(reserved_bytes_);
  if (reserved_ == nullptr) throw std::bad_alloc();
  // On a huge page's boundary, so that file systems with large pages of their own map them whole.
  address_ = mmap(aligned(reserved_), bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
  if (address_ == MAP_FAILED) {
    const std::string why = std::strerror(errno);
    munmap(reserved_, reserved_bytes_);
    throw Error(MK_INVALID, "the file of a weight cannot be mapped: " + why);
  }
  (void)madvise(address_, bytes, MADV_HUGEPAGE);
}

WeightMemory::~WeightMemory() {
  if (reserved_ != nullptr)
    munmap(reserved_, reserved_bytes_);
  else
    free_memory(address_);
}

uint64_t WeightMemory::checksum() const {
  // As many chains as hide the latency of a step, so that memory is what it waits for.
  constexpr uint64_t kChains = 8, kOdd = 0x9e3779b97f4a7c15u;
  const auto step = [](uint64_t sum, uint64_t word) {
    sum ^= word;
    return (sum << 29 | sum >> 35) * kOdd;
  };
  uint64_t sums[kChains];
  for (uint64_t i = 0; i < kChains; ++i) sums[i] = i + 1;
  const char* const data = static_cast<const char*>(address_);
  const uint64_t whole = bytes_ / sizeof sums * sizeof sums;
  for (uint64_t at = 0; at < whole; at += sizeof sums) {
    uint64_t words[kChains];
    std::memcpy(words, data + at, sizeof words);
    for (uint64_t i = 0; i < kChains; ++i) sums[i] = step(sums[i], words[i]);
  }
  uint64_t rest[kChains] = {};
  std::memcpy(rest, data + whole, bytes_ - whole);
  uint64_t sum = bytes_;
  for (uint64_t i = 0; i < kChains; ++i) sum = step(sum, step(sums[i], rest[i]));
  return sum;
}

bool WeightMemory::settle_next() {
  if (reserved_ == nullptr || settled_ == bytes_) return false;
  const uint64_t part = std::min(kPart, bytes_ - settled_);
  const uint64_t staging_bytes = rounded_up(part, kHugePage) + kHugePage;
  void* const staging = mmap(nullptr, staging_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (staging == MAP_FAILED) return false;
  char* const from = aligned(staging);
  char* const end = static_cast<char*>(staging) + staging_bytes;
  (void)madvise(from, static_cast<uint64_t>(end - from), MADV_HUGEPAGE);
  char* const to = static_cast<char*>(address_) + settled_;
  std::memcpy(from, to, part);
  // What is moved leaves a hole, which others may fill at once: what is not moved is given back before and after it.
  if (from != staging) munmap(staging, static_cast<uint64_t>(from - static_cast<char*>(staging)));
  char* const rest = from + rounded_up(part, kSmallPage);
  if (rest != end) munmap(rest, static_cast<uint64_t>(end - rest));
  // Readers find the old pages or the new ones, which are alike: the kernel lets nobody in between.
  if (mremap(from, part, part, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
    munmap(from, part);
    return false;
  }
  settled_ += part;
  return settled_ < bytes_;
}

}  // namespace mk

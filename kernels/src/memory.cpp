#include "memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace mk {
namespace {

constexpr uint64_t kLine = 64;
constexpr uint64_t kHugePage = 2u << 20;

}  // namespace

void* allocate_memory(uint64_t bytes) {
  const uint64_t alignment = bytes >= 2 * kHugePage ? kHugePage : kLine;
  if (bytes > UINT64_MAX / 2) throw std::bad_alloc();
  const uint64_t rounded = (bytes / alignment + 1) * alignment;
  void* address = std::aligned_alloc(alignment, rounded);
  if (address == nullptr) throw std::bad_alloc();
  // Before the first touch, so that the kernel can back it with huge pages at once. A refusal costs speed only.
  if (alignment == kHugePage) (void)madvise(address, rounded, MADV_HUGEPAGE);
  std::memset(address, 0, rounded);
  return address;
}

void free_memory(void* address) { std::free(address); }

}  // namespace mk

#include "memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace mk {
namespace {

constexpr uint64_t kLine = 64;
constexpr uint64_t kHugePage = 2u << 20;

}  // namespace

void* allocate_memory(uint64_t bytes) {
  const uint64_t alignment = bytes >= 2 * kHugePage ? kHugePage : kLine;
  if (bytes > UINT64_MAX / 2) throw std::bad_alloc();
  // calloc leaves large memory untouched, because the system gives it zeroed: a KV cache sized for the worst case costs
  // only what is used of it. The block's own address is kept in front of the aligned one.
  void* block = std::calloc(1, bytes + alignment + sizeof(void*));
  if (block == nullptr) throw std::bad_alloc();
  const uint64_t first = reinterpret_cast<uint64_t>(block) + sizeof(void*);
  void* address = reinterpret_cast<void*>((first + alignment - 1) / alignment * alignment);
  static_cast<void**>(address)[-1] = block;
  // Before the first touch, so that the kernel can back it with huge pages at once. A refusal costs speed only.
  if (alignment == kHugePage) (void)madvise(address, bytes, MADV_HUGEPAGE);
  return address;
}

void free_memory(void* address) {
  if (address != nullptr) std::free(static_cast<void**>(address)[-1]);
}

}  // namespace mk

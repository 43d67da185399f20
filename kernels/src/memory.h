// Memory of the CPU device: aligned, and on huge pages where it is large, since streaming weights touches every page
// once per step.
#pragma once

#include <cstdint>

namespace mk {

// 64-byte aligned and zeroed; at least one byte long. Throws std::bad_alloc.
void* allocate_memory(uint64_t bytes);
void free_memory(void* address);

}  // namespace mk

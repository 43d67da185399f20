// Sets of CPU cores, as mk_context_config's core_mask names them.
#pragma once

#include <cstdint>
#include <vector>

namespace mk {

using CoreSet = std::vector<int32_t>;

// The cores of a mask of 4 words; empty if it is all zero.
CoreSet cores_of_mask(const uint64_t* mask);

// Those of the cores that this thread may be confined to, or, if the set is empty, that it may use now, ascending.
CoreSet usable_cores(const CoreSet& cores);

// Confines the calling thread; false if none of the cores may be used. An empty set changes nothing.
[[nodiscard]] bool confine_this_thread(const CoreSet& cores);

}  // namespace mk

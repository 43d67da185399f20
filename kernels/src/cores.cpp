#include "cores.h"

#include <sched.h>

namespace mk {

CoreSet cores_of_mask(const uint64_t* mask) {
  CoreSet cores;
  for (int32_t core = 0; core < 256; ++core) {
    if ((mask[core / 64] >> (core % 64)) & 1u) cores.push_back(core);
  }
  return cores;
}

int32_t usable_core_count(const CoreSet& cores) {
  cpu_set_t before;
  CPU_ZERO(&before);
  if (sched_getaffinity(0, sizeof before, &before) != 0) return cores.empty() ? 1 : 0;
  if (cores.empty()) return CPU_COUNT(&before);
  // The kernel knows which cores exist and are allowed: try, look, restore.
  if (!confine_this_thread(cores)) return 0;
  cpu_set_t confined;
  CPU_ZERO(&confined);
  const bool known = sched_getaffinity(0, sizeof confined, &confined) == 0;
  sched_setaffinity(0, sizeof before, &before);
  return known ? CPU_COUNT(&confined) : static_cast<int32_t>(cores.size());
}

bool confine_this_thread(const CoreSet& cores) {
  if (cores.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int32_t core : cores) CPU_SET(static_cast<size_t>(core), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

}  // namespace mk

#include "cores.h"

#include <sched.h>

namespace mk {
namespace {

CoreSet cores_of(const cpu_set_t& set) {
  CoreSet cores;
  for (int32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace

CoreSet cores_of_mask(const uint64_t* mask) {
  CoreSet cores;
  for (int32_t core = 0; core < 256; ++core) {
    if ((mask[core / 64] >> (core % 64)) & 1u) cores.push_back(core);
  }
  return cores;
}

CoreSet usable_cores(const CoreSet& cores) {
  cpu_set_t before;
  CPU_ZERO(&before);
  if (sched_getaffinity(0, sizeof before, &before) != 0) return {};
  if (cores.empty()) return cores_of(before);
  // The kernel knows which cores exist and are allowed: try, look, restore.
  if (!confine_this_thread(cores)) return {};
  cpu_set_t confined;
  CPU_ZERO(&confined);
  const bool known = sched_getaffinity(0, sizeof confined, &confined) == 0;
  sched_setaffinity(0, sizeof before, &before);
  return known ? cores_of(confined) : cores;
}

bool confine_this_thread(const CoreSet& cores) {
  if (cores.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int32_t core : cores) CPU_SET(static_cast<size_t>(core), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

}  // namespace mk

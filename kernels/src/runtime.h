// What an operation may ask of its context. Out of line on purpose: operations are compiled for several instruction
// sets.
#pragma once

#include <cstdint>

namespace mk {

class Runtime;

// Computes items begin .. end-1 of a job. Items are independent; which thread computes which is not determined. Must
// not throw.
using RangeFunction = void (*)(const void* job, int64_t begin, int64_t end);

// Runs all `count` items and returns when they are done. `cost_ns` estimates the whole on one core: short work stays on
// the calling thread, since waking and joining a thread costs as much.
void parallel_for(Runtime& runtime, int64_t count, double cost_ns, RangeFunction function, const void* job);

// Items are taken in multiples of `grain`, single ones towards the end, for work whose items differ in cost.
void parallel_for_grain(Runtime& runtime, int64_t count, int64_t grain, double cost_ns, RangeFunction function,
                        const void* job);

int32_t thread_count(const Runtime& runtime);

// Whether the backend has the byte products of AVX-512 VNNI.
bool uses_vnni(const Runtime& runtime);

// Whether the backend has the instruction for pairs of bf16 (cpu/pair_tile.h).
bool uses_pairs(const Runtime& runtime);

// Uninitialised, 64-byte aligned, valid until the next call; grows to the largest size asked for and stays. nullptr
// when memory is out.
void* scratch(Runtime& runtime, uint64_t bytes);

}  // namespace mk

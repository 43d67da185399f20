// The largest shapes that operations accept; they bound what lies on a thread's stack.
#pragma once

#include <cstdint>

namespace mk {

constexpr int32_t kMostHeadDim = 1024;
constexpr int32_t kMostExperts = 4096;
constexpr int32_t kMostTopK = 64;
constexpr int32_t kMostFeatures = 1 << 30;

}  // namespace mk

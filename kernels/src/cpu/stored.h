// Lines of packed weights, widened to registers: one specialisation for each type that weights are stored as.
//   load_scales(at)               the scales of a unit, from its place in a line of scales
//   load(at, scales, low, high)   a unit's features of the first and of the second half, as numbers
// A unit is the part of a panel that one pair of registers covers: the whole panel's 16 pairs of features, or half of
// them. It begins kUnitBytes further into a line, kScaleBytes further into a line of scales, than the unit before it.
#pragma once

#include "packed.h"
#include "simd.h"

namespace mk::MK_ISA {

constexpr int kUnitsPerPanel = kPanelHalf / kLanes;

template <int32_t kDtype>
struct Stored;

struct NoScales {};

struct Scales {
  V low, high;
};

template <>
struct Stored<MK_F32> {
  using UnitScales = NoScales;
  static constexpr int kUnitBytes = 4 * kLanes;
  static constexpr int kScaleBytes = 0;
  static MK_INLINE_MEMBER void load(const char* at, NoScales, V& low, V& high) {
    low = MK_ISA::load(reinterpret_cast<const float*>(at));
    high = MK_ISA::load(reinterpret_cast<const float*>(at) + kPanelHalf);
  }
};

template <>
struct Stored<MK_BF16> {
  using UnitScales = NoScales;
  static constexpr int kUnitBytes = 4 * kLanes;
  static constexpr int kScaleBytes = 0;
  static MK_INLINE_MEMBER void load(const char* at, NoScales, V& low, V& high) { load_pairs(at, low, high); }
};

// The codes become fp16 of 2^-8 of their values, which the scales make good: a power of two changes no rounding, and
// packing has refused scales that would overflow.
template <>
struct Stored<MK_F8_E4M3> {
  using UnitScales = Scales;
  static constexpr int kUnitBytes = 2 * kLanes;
  static constexpr int kScaleBytes = 4 * kLanes;
  static MK_INLINE_MEMBER Scales load_scales(const char* at) {
    const float* scales = reinterpret_cast<const float*>(at);
    return {mul(MK_ISA::load(scales), set1(0x1p8f)), mul(MK_ISA::load(scales + kPanelHalf), set1(0x1p8f))};
  }
  static MK_INLINE_MEMBER void load(const char* at, const Scales& scales, V& low, V& high) {
    load_f8_pairs(at, low, high);
    low = mul(low, scales.low);
    high = mul(high, scales.high);
  }
};

template <>
struct Stored<MK_MXFP4> {
  using UnitScales = Scales;
  static constexpr int kUnitBytes = kLanes;
  static constexpr int kScaleBytes = kLanes;
  static MK_INLINE_MEMBER Scales load_scales(const char* at) { return {load_powers(at), load_powers(at + kPanelHalf)}; }
  static MK_INLINE_MEMBER void load(const char* at, const Scales& scales, V& low, V& high) {
    load_f4_pairs(at, low, high);
    low = mul(low, scales.low);
    high = mul(high, scales.high);
  }
};

}  // namespace mk::MK_ISA

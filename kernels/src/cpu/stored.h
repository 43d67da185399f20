// Lines of packed weights, brought to registers: one specialisation for each type that weights are stored as.
//   load_scales(at)               the scales of a unit, from its place in a line of scales
//   load<step>(at, scales, low, high)   a unit's features of the first and of the second half, for step `step` of a line
//   value_at(row, index)          what of a row stands beside step index % kSteps of line index / kSteps, in every lane
//   multiply(value, weights, sum)
// A unit is the part of a panel that one pair of registers covers: 16 features of both halves, or 8. It begins
// kUnitBytes further into a line, kScaleBytes further into a line of scales, than the unit before it.
#pragma once

#include "packed.h"
#include "simd.h"

namespace mk::MK_ISA {

constexpr int kUnitsPerPanel = kPanelHalf / kLanes;

#if defined(__AVX512F__)

// Of kLanes pairs of bf16 the ones in the upper halves, and those in the lower.
MK_INLINE V load_upper(const void* p) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), upper));
}
MK_INLINE V load_lower(const void* p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16)); }

// kLanes pairs of E4M3 bytes as fp16 of 2^-8 of their values: sign, then a zero, then exponent and mantissa.
MK_INLINE void load_f8_pairs(const void* p, V& low, V& high) {
  const __m256i places = _mm256_set1_epi16(static_cast<int16_t>(0xbf80));
  const __m256i pairs = _mm256_loadu_si256(static_cast<const __m256i*>(p));
  const __m256i lows = _mm256_slli_epi16(pairs, 8);
  low = _mm512_cvtph_ps(_mm256_and_si256(_mm256_srai_epi16(lows, 1), places));
  high = _mm512_cvtph_ps(_mm256_and_si256(_mm256_srai_epi16(pairs, 1), places));
}

// kLanes pairs of E2M1 nibbles. The permutation reads the low four bits of an index only.
MK_INLINE void load_f4_pairs(const void* p, V& low, V& high) {
  const V values = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f, -1.5f, -2.0f,
                                  -3.0f, -4.0f, -6.0f);
  const __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  low = _mm512_permutexvar_ps(pairs, values);
  high = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), values);
}

// 2^(e - 127) of kLanes bytes e; of 0 it is subnormal.
MK_INLINE V load_powers(const void* p) {
  const __m512i exponents = _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  return _mm512_castsi512_ps(_mm512_max_epu32(_mm512_slli_epi32(exponents, 23), _mm512_set1_epi32(0x00400000)));
}

#else

MK_INLINE V load_upper(const void* p) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  return _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(static_cast<const __m256i*>(p)), upper));
}
MK_INLINE V load_lower(const void* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)), 16));
}

MK_INLINE void load_f8_pairs(const void* p, V& low, V& high) {
  const __m128i places = _mm_set1_epi16(static_cast<int16_t>(0xbf80));
  const __m128i pairs = _mm_loadu_si128(static_cast<const __m128i*>(p));
  const __m128i lows = _mm_slli_epi16(pairs, 8);
  low = _mm256_cvtph_ps(_mm_and_si128(_mm_srai_epi16(lows, 1), places));
  high = _mm256_cvtph_ps(_mm_and_si128(_mm_srai_epi16(pairs, 1), places));
}

// The shuffle reads the low three bits of an index, the magnitude's. The nibble itself, moved to the top, then brings
// its fourth bit as the sign; that it brings the magnitude's bits too is made good in the table.
MK_INLINE V f4_of_nibbles(__m256i nibbles) {
  const V magnitudes = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
  const __m256i places = _mm256_slli_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), 28);
  const V table = _mm256_xor_ps(magnitudes, _mm256_castsi256_ps(places));
  return _mm256_xor_ps(_mm256_permutevar8x32_ps(table, nibbles), _mm256_castsi256_ps(_mm256_slli_epi32(nibbles, 28)));
}

MK_INLINE void load_f4_pairs(const void* p, V& low, V& high) {
  const __m256i pairs = _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  low = f4_of_nibbles(pairs);
  high = f4_of_nibbles(_mm256_srli_epi32(pairs, 4));
}

MK_INLINE V load_powers(const void* p) {
  const __m256i exponents = _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_max_epu32(_mm256_slli_epi32(exponents, 23), _mm256_set1_epi32(0x00400000)));
}

#endif

template <int32_t kDtype>
struct Stored;

// One column in a line, beside one number of an fp32 row.
struct Widened {
  static constexpr int kSteps = 1;
  static MK_INLINE_MEMBER V value_at(const void* row, int64_t index) {
    return set1(static_cast<const float*>(row)[index]);
  }
  static MK_INLINE_MEMBER V multiply(V value, V weights, V sum) { return fma(value, weights, sum); }
};

struct NoScales {};

struct Scales {
  V low, high;
};

template <>
struct Stored<MK_F32> : Widened {
  static constexpr int32_t kDtype = MK_F32;
  using UnitScales = NoScales;
  static constexpr int kUnitBytes = 4 * kLanes;
  static constexpr int kScaleBytes = 0;
  template <int kStep>
  static MK_INLINE_MEMBER void load(const char* at, NoScales, V& low, V& high) {
    low = MK_ISA::load(reinterpret_cast<const float*>(at));
    high = MK_ISA::load(reinterpret_cast<const float*>(at) + kPanelHalf);
  }
};

template <>
struct Stored<MK_BF16> : Widened {
  static constexpr int32_t kDtype = MK_BF16;
  using UnitScales = NoScales;
  static constexpr int kUnitBytes = 4 * kLanes;
  static constexpr int kScaleBytes = 0;
  static constexpr int kSteps = 2;
  template <int kStep>
  static MK_INLINE_MEMBER void load(const char* at, NoScales, V& low, V& high) {
    low = kStep == 0 ? load_upper(at) : load_lower(at);
    high = kStep == 0 ? load_upper(at + 4 * kPanelHalf) : load_lower(at + 4 * kPanelHalf);
  }
};

// The codes become fp16 of 2^-8 of their values, which the scales make good: a power of two changes no rounding, and
// packing has refused scales that would overflow.
template <>
struct Stored<MK_F8_E4M3> : Widened {
  static constexpr int32_t kDtype = MK_F8_E4M3;
  using UnitScales = Scales;
  static constexpr int kUnitBytes = 2 * kLanes;
  static constexpr int kScaleBytes = 4 * kLanes;
  static MK_INLINE_MEMBER Scales load_scales(const char* at) {
    const float* scales = reinterpret_cast<const float*>(at);
    return {mul(MK_ISA::load(scales), set1(0x1p8f)), mul(MK_ISA::load(scales + kPanelHalf), set1(0x1p8f))};
  }
  template <int kStep>
  static MK_INLINE_MEMBER void load(const char* at, const Scales& scales, V& low, V& high) {
    load_f8_pairs(at, low, high);
    low = mul(low, scales.low);
    high = mul(high, scales.high);
  }
};

template <>
struct Stored<MK_MXFP4> : Widened {
  static constexpr int32_t kDtype = MK_MXFP4;
  using UnitScales = Scales;
  static constexpr int kUnitBytes = kLanes;
  static constexpr int kScaleBytes = kLanes;
  static MK_INLINE_MEMBER Scales load_scales(const char* at) { return {load_powers(at), load_powers(at + kPanelHalf)}; }
  template <int kStep>
  static MK_INLINE_MEMBER void load(const char* at, const Scales& scales, V& low, V& high) {
    load_f4_pairs(at, low, high);
    low = mul(low, scales.low);
    high = mul(high, scales.high);
  }
};

}  // namespace mk::MK_ISA

#include "integer.h"

namespace mk::MK_ISA {
namespace {

#if defined(__AVX512F__)

using Int = __m512i;
MK_INLINE Int magnitudes(V a) { return _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7fffffff)); }
MK_INLINE Int greater_of(Int a, Int b) { return _mm512_max_epi32(a, b); }
MK_INLINE int32_t greatest(Int a) { return _mm512_reduce_max_epi32(a); }
MK_INLINE Int to_whole(V a) { return _mm512_cvtps_epi32(a); }
MK_INLINE Int within_127(Int a) {
  return _mm512_max_epi32(_mm512_min_epi32(a, _mm512_set1_epi32(127)), _mm512_set1_epi32(-127));
}
MK_INLINE int32_t sum_of(Int a) { return _mm512_reduce_add_epi32(a); }
MK_INLINE Int add_whole(Int a, Int b) { return _mm512_add_epi32(a, b); }
MK_INLINE void store_codes(int8_t* p, Int a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
}

#else

using Int = __m256i;
MK_INLINE Int magnitudes(V a) { return _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x7fffffff)); }
MK_INLINE Int greater_of(Int a, Int b) { return _mm256_max_epi32(a, b); }
MK_INLINE int32_t greatest(Int a) {
  __m128i b = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  b = _mm_max_epi32(b, _mm_shuffle_epi32(b, 0x4e));
  b = _mm_max_epi32(b, _mm_shuffle_epi32(b, 0xb1));
  return _mm_cvtsi128_si32(b);
}
MK_INLINE Int to_whole(V a) { return _mm256_cvtps_epi32(a); }
MK_INLINE Int within_127(Int a) {
  return _mm256_max_epi32(_mm256_min_epi32(a, _mm256_set1_epi32(127)), _mm256_set1_epi32(-127));
}
MK_INLINE int32_t sum_of(Int a) {
  __m128i b = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  b = _mm_add_epi32(b, _mm_shuffle_epi32(b, 0x4e));
  b = _mm_add_epi32(b, _mm_shuffle_epi32(b, 0xb1));
  return _mm_cvtsi128_si32(b);
}
MK_INLINE Int add_whole(Int a, Int b) { return _mm256_add_epi32(a, b); }
MK_INLINE void store_codes(int8_t* p, Int a) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}

#endif

constexpr int kVectors = kGroupColumns / kLanes;

}  // namespace

void quantise_row(const float* in, int32_t columns, void* out) {
  const QuantisedRow row = quantised_row_at(out, columns);
  int8_t* codes = const_cast<int8_t*>(row.codes);
  float* factors = const_cast<float*>(row.factors);
  int32_t* sums = const_cast<int32_t*>(row.sums);
  for (int32_t group = 0; group < groups_of(columns); ++group, codes += kGroupColumns) {
    const int32_t begin = group * kGroupColumns;
    V values[kVectors];
    Int most;
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) {
      const int32_t left = columns - begin - i * kLanes;
      values[i] = left >= kLanes ? load(in + begin + i * kLanes)
                  : left > 0     ? load_first(in + begin + i * kLanes, left)
                                 : zero();
      most = i == 0 ? magnitudes(values[i]) : greater_of(most, magnitudes(values[i]));
    }
    // Of magnitudes, the order of the bits is the order of the numbers.
    const int32_t bits = greatest(most);
    float m;
    __builtin_memcpy(&m, &bits, sizeof m);
    const bool is_finite = bits < 0x7f800000, is_zero = m < kLeastMagnitude;
    const V scale = set1(is_finite && !is_zero ? 127.0f / m : 0.0f);
    factors[group] = !is_finite ? __builtin_nanf("") : is_zero ? 0.0f : m * kOver127;
    Int sum;
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) {
      // What is not finite would stay so times zero.
      const Int code = is_finite ? within_127(to_whole(mul(values[i], scale))) : to_whole(zero());
      sum = i == 0 ? code : add_whole(sum, code);
      store_codes(codes + i * kLanes, code);
    }
    sums[group] = sum_of(sum);
  }
}

}  // namespace mk::MK_ISA

// Vectors of the instruction set that this translation unit is compiled for. V is one register; Lanes16 is sixteen
// lanes, the width in which mk.h states its orders of summation. Everything here has internal linkage and is inlined
// (see the remark in CMakeLists.txt).
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "exp_constants.h"

#define MK_INLINE static inline __attribute__((always_inline))
#define MK_INLINE_MEMBER inline __attribute__((always_inline))
#define MK_INLINE_LAMBDA __attribute__((always_inline))

namespace mk::MK_ISA {

// ---- V ----

#if defined(__AVX512F__)

using V = __m512;
constexpr int kLanes = 16;

MK_INLINE V zero() { return _mm512_setzero_ps(); }
MK_INLINE V set1(float x) { return _mm512_set1_ps(x); }
MK_INLINE V add(V a, V b) { return _mm512_add_ps(a, b); }
MK_INLINE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
MK_INLINE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
MK_INLINE V div(V a, V b) { return _mm512_div_ps(a, b); }
MK_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
MK_INLINE V max(V a, V b) { return _mm512_max_ps(a, b); }
MK_INLINE V min(V a, V b) { return _mm512_min_ps(a, b); }

// The first n lanes, n clamped to 0..16.
MK_INLINE __mmask16 lanes_below(int n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : static_cast<__mmask16>((1u << n) - 1); }

MK_INLINE V load(const float* p) { return _mm512_loadu_ps(p); }
MK_INLINE V load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(lanes_below(n), p); }
MK_INLINE void store(float* p, V a) { _mm512_storeu_ps(p, a); }
MK_INLINE void store_first(float* p, int n, V a) { _mm512_mask_storeu_ps(p, lanes_below(n), a); }
// Lanes from n on become `fill`.
MK_INLINE V keep_first(V a, int n, float fill) { return _mm512_mask_mov_ps(set1(fill), lanes_below(n), a); }

// Lanes before `first` and from `last` on become `fill`.
MK_INLINE V keep_between(V a, int first, int last, float fill) {
  const __mmask16 kept = static_cast<__mmask16>(lanes_below(last) & ~lanes_below(first));
  return _mm512_mask_mov_ps(set1(fill), kept, a);
}

MK_INLINE V widen(__m256i bf16) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16)); }
MK_INLINE V load(const uint16_t* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
MK_INLINE V load_first(const uint16_t* p, int n) { return widen(_mm256_maskz_loadu_epi16(lanes_below(n), p)); }

// rows[i] lane j and rows[j] lane i change places.
MK_INLINE void transpose(V (&rows)[kLanes]) {
  V pairs[kLanes], fours[kLanes], eights[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  // fours[4 b + c]: column c of each 128-bit lane, of rows 4 b .. 4 b + 3.
#pragma GCC unroll 8
  for (int b = 0; b < 16; b += 4) {
    for (int c = 0; c < 2; ++c) {
      const __m512d low = _mm512_castps_pd(pairs[b + c]), high = _mm512_castps_pd(pairs[b + 2 + c]);
      fours[b + 2 * c] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      fours[b + 2 * c + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
  // eights[c]: 128-bit lanes 0 and 2 of rows 0..7, eights[4 + c]: lanes 1 and 3; from 8 on the same of rows 8..15.
#pragma GCC unroll 8
  for (int c = 0; c < 4; ++c) {
    eights[c] = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0x88);
    eights[4 + c] = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0xdd);
    eights[8 + c] = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0x88);
    eights[12 + c] = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0xdd);
  }
#pragma GCC unroll 8
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm512_shuffle_f32x4(eights[c], eights[8 + c], 0x88);
    rows[4 + c] = _mm512_shuffle_f32x4(eights[4 + c], eights[12 + c], 0x88);
    rows[8 + c] = _mm512_shuffle_f32x4(eights[c], eights[8 + c], 0xdd);
    rows[12 + c] = _mm512_shuffle_f32x4(eights[4 + c], eights[12 + c], 0xdd);
  }
}

// 2^n, n being the integer in the low bits of t.
MK_INLINE V power_of_two(V t) {
  const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(0x3f800000)));
}
// 0 where x < bound, else a.
MK_INLINE V zero_where_below(V x, float bound, V a) {
  return _mm512_mask_mov_ps(a, _mm512_cmp_ps_mask(x, set1(bound), _CMP_LT_OQ), zero());
}

#else

using V = __m256;
constexpr int kLanes = 8;

MK_INLINE V zero() { return _mm256_setzero_ps(); }
MK_INLINE V set1(float x) { return _mm256_set1_ps(x); }
MK_INLINE V add(V a, V b) { return _mm256_add_ps(a, b); }
MK_INLINE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
MK_INLINE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
MK_INLINE V div(V a, V b) { return _mm256_div_ps(a, b); }
MK_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
MK_INLINE V max(V a, V b) { return _mm256_max_ps(a, b); }
MK_INLINE V min(V a, V b) { return _mm256_min_ps(a, b); }

// All ones in the first n lanes, n clamped to 0..8.
MK_INLINE __m256i lanes_below(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

MK_INLINE V load(const float* p) { return _mm256_loadu_ps(p); }
MK_INLINE V load_first(const float* p, int n) { return _mm256_maskload_ps(p, lanes_below(n)); }
MK_INLINE void store(float* p, V a) { _mm256_storeu_ps(p, a); }
MK_INLINE void store_first(float* p, int n, V a) { _mm256_maskstore_ps(p, lanes_below(n), a); }
MK_INLINE V keep_first(V a, int n, float fill) {
  return _mm256_blendv_ps(set1(fill), a, _mm256_castsi256_ps(lanes_below(n)));
}

MK_INLINE V keep_between(V a, int first, int last, float fill) {
  const __m256i kept = _mm256_andnot_si256(lanes_below(first), lanes_below(last));
  return _mm256_blendv_ps(set1(fill), a, _mm256_castsi256_ps(kept));
}

MK_INLINE V widen(__m128i bf16) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bf16), 16)); }
MK_INLINE V load(const uint16_t* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
MK_INLINE V load_first(const uint16_t* p, int n) {
  uint16_t first[kLanes] = {};
  for (int i = 0; i < kLanes && i < n; ++i) first[i] = p[i];
  return load(first);
}

MK_INLINE void transpose(V (&rows)[kLanes]) {
  V pairs[kLanes], fours[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 8
  for (int b = 0; b < 8; b += 4) {
    for (int c = 0; c < 2; ++c) {
      fours[b + 2 * c] = _mm256_shuffle_ps(pairs[b + c], pairs[b + 2 + c], 0x44);
      fours[b + 2 * c + 1] = _mm256_shuffle_ps(pairs[b + c], pairs[b + 2 + c], 0xee);
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x31);
  }
}

MK_INLINE V power_of_two(V t) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(0x3f800000)));
}
MK_INLINE V zero_where_below(V x, float bound, V a) {
  return _mm256_andnot_ps(_mm256_cmp_ps(x, set1(bound), _CMP_LT_OQ), a);
}

#endif

// The steps of exp_constants.h.
MK_INLINE V exp_of(V x) {
  const V y = min(set1(kExpMost), x);
  const V t = fma(y, set1(kLog2E), set1(kRound));
  const V n = sub(t, set1(kRound));
  V r = fma(n, set1(-kLn2High), y);
  r = fma(n, set1(-kLn2Low), r);
  V q = fma(set1(kExpC4), r, set1(kExpC3));
  q = fma(q, r, set1(kExpC2));
  q = fma(q, r, set1(kExpC1));
  q = fma(q, r, set1(kExpC0));
  const V e = add(fma(mul(r, r), q, r), set1(1.0f));
  return zero_where_below(x, kExpLeast, mul(e, power_of_two(t)));
}

MK_INLINE V negate(V x) { return mul(x, set1(-1.0f)); }
MK_INLINE V sigmoid_of(V x) { return div(set1(1.0f), add(set1(1.0f), exp_of(negate(x)))); }
MK_INLINE V silu_of(V x) { return div(x, add(set1(1.0f), exp_of(negate(x)))); }

// ---- sixteen lanes ----

constexpr int kParts = 16 / kLanes;

struct Lanes16 {
  V part[kParts];
};

#define MK_EACH_PART _Pragma("GCC unroll 2") for (int i = 0; i < kParts; ++i)

MK_INLINE Lanes16 splat16(float x) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = set1(x);
  return r;
}
template <typename T>
MK_INLINE Lanes16 load16(const T* p) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = load(p + i * kLanes);
  return r;
}
// The first n of sixteen; the others are 0 and not read.
template <typename T>
MK_INLINE Lanes16 load16_first(const T* p, int n) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = load_first(p + i * kLanes, n - i * kLanes);
  return r;
}
MK_INLINE void store16(float* p, const Lanes16& a) { MK_EACH_PART store(p + i * kLanes, a.part[i]); }
MK_INLINE void store16_first(float* p, int n, const Lanes16& a) {
  MK_EACH_PART store_first(p + i * kLanes, n - i * kLanes, a.part[i]);
}
MK_INLINE Lanes16 keep_first(const Lanes16& a, int n, float fill) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = keep_first(a.part[i], n - i * kLanes, fill);
  return r;
}
MK_INLINE Lanes16 keep_between(const Lanes16& a, int first, int last, float fill) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = keep_between(a.part[i], first - i * kLanes, last - i * kLanes, fill);
  return r;
}
MK_INLINE Lanes16 fma(V a, const Lanes16& b, const Lanes16& c) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = fma(a, b.part[i], c.part[i]);
  return r;
}
MK_INLINE Lanes16 fma(const Lanes16& a, const Lanes16& b, const Lanes16& c) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = fma(a.part[i], b.part[i], c.part[i]);
  return r;
}
MK_INLINE Lanes16 add(const Lanes16& a, const Lanes16& b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = add(a.part[i], b.part[i]);
  return r;
}
MK_INLINE Lanes16 sub(const Lanes16& a, V b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = sub(a.part[i], b);
  return r;
}
MK_INLINE Lanes16 mul(const Lanes16& a, V b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = mul(a.part[i], b);
  return r;
}
MK_INLINE Lanes16 mul(const Lanes16& a, const Lanes16& b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = mul(a.part[i], b.part[i]);
  return r;
}
MK_INLINE Lanes16 div(const Lanes16& a, V b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = div(a.part[i], b);
  return r;
}
MK_INLINE Lanes16 max(const Lanes16& a, const Lanes16& b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = max(a.part[i], b.part[i]);
  return r;
}
MK_INLINE Lanes16 min(const Lanes16& a, const Lanes16& b) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = min(a.part[i], b.part[i]);
  return r;
}
MK_INLINE Lanes16 exp_of(const Lanes16& a) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = exp_of(a.part[i]);
  return r;
}
MK_INLINE Lanes16 sigmoid_of(const Lanes16& a) {
  Lanes16 r;
  MK_EACH_PART r.part[i] = sigmoid_of(a.part[i]);
  return r;
}

// out[16][16] = in[rows][16] transposed; columns of `out` from `rows` on are zero.
template <typename T>
MK_INLINE void transpose16(const T* in, int rows, float* out) {
#pragma GCC unroll 1
  for (int part = 0; part < kParts * kParts; ++part) {
    const int from_row = part / kParts * kLanes, from_column = part % kParts * kLanes;
    V block[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i)
      block[i] = from_row + i < rows ? load(in + (from_row + i) * 16 + from_column) : zero();
    transpose(block);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) store(out + (from_column + i) * 16 + from_row, block[i]);
  }
}

// Folds 8+8, 4+4, 2+2, 1+1.
MK_INLINE float fold_sum(const Lanes16& a) {
#if defined(__AVX512F__)
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.part[0]), _mm512_extractf32x8_ps(a.part[0], 1));
#else
  const __m256 eight = _mm256_add_ps(a.part[0], a.part[1]);
#endif
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

MK_INLINE float fold_max(const Lanes16& a) {
#if defined(__AVX512F__)
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.part[0]), _mm512_extractf32x8_ps(a.part[0], 1));
#else
  const __m256 eight = _mm256_max_ps(a.part[0], a.part[1]);
#endif
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// Sixteen lanes in double, lanes 4i .. 4i+3 in part i.
struct Doubles16 {
  __m256d part[4];
};

MK_INLINE Doubles16 zero_doubles() {
  const __m256d zeros = _mm256_setzero_pd();
  return {{zeros, zeros, zeros, zeros}};
}

MK_INLINE void accumulate(Doubles16& sum, const Lanes16& a) {
#if defined(__AVX512F__)
  const __m256 low = _mm512_castps512_ps256(a.part[0]);
  const __m256 high = _mm512_extractf32x8_ps(a.part[0], 1);
#else
  const __m256 low = a.part[0];
  const __m256 high = a.part[1];
#endif
  sum.part[0] = _mm256_add_pd(sum.part[0], _mm256_cvtps_pd(_mm256_castps256_ps128(low)));
  sum.part[1] = _mm256_add_pd(sum.part[1], _mm256_cvtps_pd(_mm256_extractf128_ps(low, 1)));
  sum.part[2] = _mm256_add_pd(sum.part[2], _mm256_cvtps_pd(_mm256_castps256_ps128(high)));
  sum.part[3] = _mm256_add_pd(sum.part[3], _mm256_cvtps_pd(_mm256_extractf128_ps(high, 1)));
}

MK_INLINE double fold_sum(const Doubles16& sum) {
  const __m256d low = _mm256_add_pd(sum.part[0], sum.part[2]);
  const __m256d high = _mm256_add_pd(sum.part[1], sum.part[3]);
  const __m256d four = _mm256_add_pd(low, high);
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

MK_INLINE void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

}  // namespace mk::MK_ISA

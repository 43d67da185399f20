// The kernels of tile.h for bf16 weights, by the instruction that adds two products: fma with the upper halves of its
// words, then with the lower, each to nearest even, subnormals taken for zero. The bits are those of tile.cpp.
#include "pair_tile.h"

#include "tile_kernels.h"

namespace mk::MK_ISA {
namespace {

struct Pairs {
  static constexpr int32_t kDtype = MK_BF16;
  using UnitScales = NoScales;
  static constexpr int kUnitBytes = 4 * kLanes;
  static constexpr int kScaleBytes = 0;
  static constexpr int kSteps = 1;
  template <int kStep>
  static MK_INLINE_MEMBER void load(const char* at, NoScales, V& low, V& high) {
    low = MK_ISA::load(reinterpret_cast<const float*>(at));
    high = MK_ISA::load(reinterpret_cast<const float*>(at) + kPanelHalf);
  }
  static MK_INLINE_MEMBER V value_at(const void* row, int64_t index) {
    return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<const int32_t*>(row)[index]));
  }
  static MK_INLINE_MEMBER V multiply(V value, V weights, V sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(value), reinterpret_cast<__m512bh>(weights));
  }
};

}  // namespace

void multiply_pair_tile(const PackedMatrix& matrix, int32_t unit, int32_t units, const void* const* in, int32_t rows,
                        const Ahead& ahead, bool resume, float* sums) {
  multiply_exactly<kMostTileRows, Pairs>(matrix, unit, units, in, rows, ahead, resume, sums);
}

void pair_row(const float* in, int32_t columns, void* out) {
  int32_t* words = static_cast<int32_t*>(out);
  for (int32_t k = 0; k < columns; k += 2 * kLanes, words += kLanes) {
    const int32_t left = columns - k;
    const V low = left >= kLanes ? load(in + k) : load_first(in + k, left);
    const V high = left >= 2 * kLanes ? load(in + k + kLanes)
                   : left > kLanes    ? load_first(in + k + kLanes, left - kLanes)
                                      : zero();
    const __m512i pairs = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
    const int32_t count = (left + 1) / 2;
    const __mmask16 lanes = static_cast<__mmask16>(count >= kLanes ? 0xffff : (1 << count) - 1);
    _mm512_mask_storeu_epi32(words, lanes, _mm512_rol_epi32(pairs, 16));
  }
}

double pairs_gain() {
  // Sixteen sums hide the latency of either instruction. The least of a few rounds is what nothing disturbed.
  constexpr int kSums = 16, kSteps = 400, kRounds = 5;
  uint64_t least_pairs = ~0ull, least_fma = ~0ull;
  for (int round = 0; round < kRounds; ++round) {
    V pairs[kSums], sums[kSums];
    // The compiler must not see that all sums are the same.
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      pairs[i] = sums[i] = zero();
      asm volatile("" : "+v"(pairs[i]), "+v"(sums[i]));
    }
    V value = zero();
    const uint64_t begin = __rdtsc();
    for (int step = 0; step < kSteps; ++step) {
      asm volatile("" : "+v"(value));
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i) pairs[i] = Pairs::multiply(value, value, pairs[i]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) asm volatile("" : : "v"(pairs[i]));
    const uint64_t middle = __rdtsc();
    for (int step = 0; step < kSteps; ++step) {
      asm volatile("" : "+v"(value));
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i) sums[i] = fma(value, value, sums[i]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) asm volatile("" : : "v"(sums[i]));
    const uint64_t end = __rdtsc();
    least_pairs = middle - begin < least_pairs ? middle - begin : least_pairs;
    least_fma = end - middle < least_fma ? end - middle : least_fma;
  }
  // An instruction for a pair does the work of two.
  return 2.0 * static_cast<double>(least_fma) / static_cast<double>(least_pairs);
}

}  // namespace mk::MK_ISA

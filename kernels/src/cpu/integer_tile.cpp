#include "integer_tile.h"

#include "simd.h"

namespace mk::MK_ISA {
namespace {

#if defined(__AVX512F__)

using Int = __m512i;
MK_INLINE Int load_codes(const char* p) { return _mm512_loadu_si512(p); }
MK_INLINE Int whole(int32_t x) { return _mm512_set1_epi32(x); }
MK_INLINE Int low_nibbles(Int a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
MK_INLINE Int high_nibbles(Int a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
MK_INLINE V to_floats(Int a) { return _mm512_cvtepi32_ps(a); }
MK_INLINE V load_f16(const char* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }

#if defined(__AVX512VNNI__)
// acc += weights x codes in each four neighbours; weights are unsigned.
MK_INLINE Int dot8(Int acc, Int weights, Int codes) { return _mm512_dpbusd_epi32(acc, weights, codes); }
MK_INLINE Int dot4(Int acc, Int weights, Int codes) { return _mm512_dpbusd_epi32(acc, weights, codes); }
constexpr int32_t kOffset8 = 128;
#else
// Sums of two products must fit 16 bits: those of magnitudes up to 127 do, and of nibbles.
MK_INLINE Int pairs_of(Int acc, Int unsigned_factors, Int codes) {
  return _mm512_add_epi32(acc, _mm512_madd_epi16(_mm512_maddubs_epi16(unsigned_factors, codes), _mm512_set1_epi16(1)));
}
MK_INLINE Int dot8(Int acc, Int weights, Int codes) {
  const Int numbers = _mm512_xor_si512(weights, _mm512_set1_epi8(static_cast<char>(0x80)));
  const Int turned = _mm512_mask_sub_epi8(codes, _mm512_movepi8_mask(numbers), _mm512_setzero_si512(), codes);
  return pairs_of(acc, _mm512_abs_epi8(numbers), turned);
}
MK_INLINE Int dot4(Int acc, Int weights, Int codes) { return pairs_of(acc, weights, codes); }
constexpr int32_t kOffset8 = 0;
#endif

constexpr int kMostRows = 6;

#else

using Int = __m256i;
MK_INLINE Int load_codes(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
MK_INLINE Int whole(int32_t x) { return _mm256_set1_epi32(x); }
MK_INLINE Int low_nibbles(Int a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
MK_INLINE Int high_nibbles(Int a) { return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15)); }
MK_INLINE V to_floats(Int a) { return _mm256_cvtepi32_ps(a); }
MK_INLINE V load_f16(const char* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
MK_INLINE Int pairs_of(Int acc, Int unsigned_factors, Int codes) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned_factors, codes), _mm256_set1_epi16(1)));
}
MK_INLINE Int dot8(Int acc, Int weights, Int codes) {
  const Int numbers = _mm256_xor_si256(weights, _mm256_set1_epi8(static_cast<char>(0x80)));
  return pairs_of(acc, _mm256_abs_epi8(numbers), _mm256_sign_epi8(codes, numbers));
}
MK_INLINE Int dot4(Int acc, Int weights, Int codes) { return pairs_of(acc, weights, codes); }
constexpr int32_t kOffset8 = 0;
constexpr int kMostRows = 2;

#endif

constexpr int32_t kOffset4 = 8;
constexpr int kUnits = kPanelHalf / kLanes;  // of a panel
constexpr int64_t kNearBytes = 4096;         // how far ahead of the sums memory is asked

MK_INLINE Int codes_at(const QuantisedRow& row, int64_t column) {
  int32_t four;
  __builtin_memcpy(&four, row.codes + column, sizeof four);
  return whole(four);
}

// One unit (both halves' kLanes features) of kPanels neighbouring panels.
template <int kRows, int kPanels, int32_t kDtype>
__attribute__((noinline)) void multiply(const PackedMatrix& matrix, int32_t panel, int unit, const QuantisedRow* rows,
                                        float* sums) {
  constexpr int32_t kGroupBytes = group_bytes_of(kDtype);
  constexpr int32_t kOffset = kDtype == MK_INT8 ? kOffset8 : kOffset4;
  constexpr int kLine = 64;
  const char* panels[kPanels];
  for (int p = 0; p < kPanels; ++p)
    panels[p] = static_cast<const char*>(matrix.data) + matrix.panel_bytes * static_cast<uint64_t>(panel + p);
  V out[kRows][kPanels][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) out[r][p][0] = out[r][p][1] = zero();
  }
  const int32_t groups = groups_of(matrix.columns);
  for (int32_t g = 0; g < groups; ++g) {
    Int dots[kRows][kPanels][2];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Int start = whole(-kOffset * rows[r].sums[g]);
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; ++p) dots[r][p][0] = dots[r][p][1] = start;
    }
    const int64_t at = static_cast<int64_t>(g) * kGroupBytes + kGroupScaleBytes + unit * 4 * kLanes;
    const int64_t column = static_cast<int64_t>(g) * kGroupColumns;
    constexpr int kSteps = kDtype == MK_INT8 ? 8 : 4;  // lines of a half
#pragma GCC unroll 8
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; ++p) {
        const char* line = panels[p] + at + step * 2 * kLine;
        prefetch(line + kNearBytes);
        prefetch(line + kNearBytes + kLine);
        const Int first = load_codes(line), second = load_codes(line + kLine);
        if constexpr (kDtype == MK_INT8) {
#pragma GCC unroll 6
          for (int r = 0; r < kRows; ++r) {
            const Int codes = codes_at(rows[r], column + 4 * step);
            dots[r][p][0] = dot8(dots[r][p][0], first, codes);
            dots[r][p][1] = dot8(dots[r][p][1], second, codes);
          }
        } else {
          const Int first_low = low_nibbles(first), first_high = high_nibbles(first);
          const Int second_low = low_nibbles(second), second_high = high_nibbles(second);
#pragma GCC unroll 6
          for (int r = 0; r < kRows; ++r) {
            const Int low = codes_at(rows[r], column + 8 * step), high = codes_at(rows[r], column + 8 * step + 4);
            dots[r][p][0] = dot4(dot4(dots[r][p][0], first_low, low), first_high, high);
            dots[r][p][1] = dot4(dot4(dots[r][p][1], second_low, low), second_high, high);
          }
        }
      }
    }
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) {
      const char* scales = panels[p] + static_cast<int64_t>(g) * kGroupBytes + unit * 2 * kLanes;
      prefetch(scales + kNearBytes);
      const V first = load_f16(scales), second = load_f16(scales + 2 * kPanelHalf);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const V factor = set1(rows[r].factors[g]);
        out[r][p][0] = fma(to_floats(dots[r][p][0]), mul(first, factor), out[r][p][0]);
        out[r][p][1] = fma(to_floats(dots[r][p][1]), mul(second, factor), out[r][p][1]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) {
      float* to = sums + (static_cast<int64_t>(r) * kPanels + p) * kPanelWidth + unit * kLanes;
      store(to, out[r][p][0]);
      store(to + kPanelHalf, out[r][p][1]);
    }
  }
}

template <int kRows, int32_t kDtype>
void multiply_exactly(const PackedMatrix& matrix, int32_t panel, int32_t panels, const QuantisedRow* rows,
                      int32_t count, float* sums) {
  if constexpr (kRows > 1) {
    if (count < kRows) return multiply_exactly<kRows - 1, kDtype>(matrix, panel, panels, rows, count, sums);
  }
  for (int unit = 0; unit < kUnits; ++unit) {
    if (kRows == 1 && panels == 2)
      multiply<kRows, kRows == 1 ? 2 : 1, kDtype>(matrix, panel, unit, rows, sums);
    else
      multiply<kRows, 1, kDtype>(matrix, panel, unit, rows, sums);
  }
}

// Rows in turn, in tiles of about equal height; panels is 1, or with a single row 2.
template <int32_t kDtype>
void multiply_all(const PackedMatrix& matrix, int32_t panel, int32_t panels, const QuantisedRow* rows, int32_t count,
                  float* sums) {
  for (int32_t row = 0; row < count;) {
    const int32_t tiles = (count - row + kMostRows - 1) / kMostRows;
    const int32_t some = (count - row + tiles - 1) / tiles;
    multiply_exactly<kMostRows, kDtype>(matrix, panel, panels, rows + row, some,
                                        sums + static_cast<int64_t>(row) * panels * kPanelWidth);
    row += some;
  }
}

}  // namespace

void multiply_integer_tile(const PackedMatrix& matrix, int32_t panel, int32_t panels, const QuantisedRow* rows,
                           int32_t count, float* sums) {
  if (matrix.dtype == MK_INT8)
    multiply_all<MK_INT8>(matrix, panel, panels, rows, count, sums);
  else
    multiply_all<MK_INT4>(matrix, panel, panels, rows, count, sums);
}

}  // namespace mk::MK_ISA

#include "rows.h"

namespace mk::MK_ISA {
namespace {

// As rounded_to_bf16 of numbers.h.
#if defined(__AVX512F__)

MK_INLINE V rounded(V value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i result = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  result = _mm512_mask_or_epi32(result, is_nan, bits, _mm512_set1_epi32(0x400000));
  const __mmask16 is_subnormal = _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7f800000));
  result = _mm512_mask_and_epi32(result, is_subnormal, bits, _mm512_set1_epi32(static_cast<int>(0x80000000u)));
  return _mm512_castsi512_ps(_mm512_and_si512(result, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}

#else

MK_INLINE __m256i choose(__m256i mask, __m256i yes, __m256i no) { return _mm256_blendv_epi8(no, yes, mask); }

MK_INLINE V rounded(V value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  __m256i result = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  result = choose(is_nan, _mm256_or_si256(bits, _mm256_set1_epi32(0x400000)), result);
  const __m256i exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f800000));
  const __m256i is_subnormal = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
  result = choose(is_subnormal, _mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(0x80000000u))), result);
  return _mm256_castsi256_ps(_mm256_and_si256(result, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}

#endif

// Columns of a rounded row in whole registers; what is beyond the matrix is 0.
int64_t rounded_columns(int32_t columns) { return (static_cast<int64_t>(columns) + kLanes - 1) / kLanes * kLanes; }

void round_row(const float* in, int32_t columns, float* out) {
  for (int32_t k = 0; k < columns; k += kLanes)
    store(out + k, rounded(columns - k >= kLanes ? load(in + k) : load_first(in + k, columns - k)));
}

}  // namespace

int64_t prepared_row_bytes(const Runtime& runtime, const PackedMatrix& matrix) {
  if (is_integer(matrix.dtype)) return quantised_row_bytes(matrix.columns);
  if (matrix.dtype != MK_BF16) return 0;
  const int64_t bytes = rounded_columns(matrix.columns) * (uses_pairs(runtime) ? 2 : 4);
  // An odd number of cache lines: the rows of a tile, read side by side, would else share a few sets of the cache.
  return ((bytes + 63) / 64 | 1) * 64;
}

void prepare_row(const Runtime& runtime, const PackedMatrix& matrix, const float* in, void* out) {
  if (is_integer(matrix.dtype)) return quantise_row(in, matrix.columns, out);
#if defined(__AVX512F__)
  if (uses_pairs(runtime)) return avx512bf16::pair_row(in, matrix.columns, out);
#endif
  (void)runtime;
  round_row(in, matrix.columns, static_cast<float*>(out));
}

}  // namespace mk::MK_ISA

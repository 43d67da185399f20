// Conversions between fp32 and the stored types, for the scalar code. `static`: every translation unit keeps its own
// copy, so that code compiled for a newer instruction set can never replace the common one at link time.
#pragma once

#include <cstdint>
#include <cstring>

#include "mk/mk.h"

namespace mk {

static inline float float_of_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float float_of_bf16(uint16_t value) { return float_of_bits(static_cast<uint32_t>(value) << 16); }

// To nearest, ties to even; a NaN stays a NaN.
static inline uint16_t bf16_of_float(float value) {
  const uint32_t bits = bits_of_float(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// What stands for zero in a product with bf16 weights.
static inline float zero_if_subnormal(float value) {
  const uint32_t bits = bits_of_float(value);
  return (bits & 0x7f800000u) == 0 ? float_of_bits(bits & 0x80000000u) : value;
}

// A row's element as a product with bf16 weights takes it.
static inline float rounded_to_bf16(float value) { return float_of_bf16(bf16_of_float(zero_if_subnormal(value))); }

// Two columns of packed bf16 weights, or of a row beside them: the first in the upper half.
static inline uint32_t bf16_pair_of(float first, float second) {
  return static_cast<uint32_t>(bf16_of_float(first)) << 16 | bf16_of_float(second);
}

static inline float float_of_f16(uint16_t value) {
  const uint32_t sign = static_cast<uint32_t>(value & 0x8000u) << 16;
  const uint32_t exponent = (value >> 10) & 0x1fu;
  const uint32_t mantissa = value & 0x3ffu;
  if (exponent == 0x1fu) return float_of_bits(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return float_of_bits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // zero and subnormals, exactly
  return sign != 0 ? -magnitude : magnitude;
}

// To nearest, ties to even; beyond fp16's range an infinity. Not for NaN.
static inline uint16_t f16_of_float(float value) {
  const uint32_t bits = bits_of_float(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65536 and more
  if (magnitude < 0x38800000u) {                                               // subnormal: a whole number of 2^-24
    const float places = float_of_bits(magnitude) * 0x1p24f;
    const float whole = (places + 0x1.8p+23f) - 0x1.8p+23f;
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(whole));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

// E4M3. Its bits, moved to an fp16's places, stand for 2^-8 of its value: exponents are biased by 15 there, by 7 here.
static inline float float_of_f8(uint32_t code) {
  return float_of_f16(static_cast<uint16_t>(((code & 0x80u) << 8) | ((code & 0x7fu) << 7))) * 0x1p8f;
}

static inline bool is_f8_number(uint32_t code) { return (code & 0x7fu) != 0x7fu; }

// E2M1, in the low four bits: what the code stands for is a multiple of 1/2.
static inline float float_of_f4(uint32_t code) {
  const uint32_t exponent = (code >> 1) & 3u;
  const uint32_t mantissa = code & 1u;
  const uint32_t halves = exponent == 0 ? mantissa : (2u + mantissa) << (exponent - 1);
  const float magnitude = static_cast<float>(halves) * 0.5f;
  return (code & 8u) != 0 ? -magnitude : magnitude;
}

// 2^(code - 127), for codes 0..254.
static inline float power_of_e8m0(uint32_t code) { return float_of_bits(code == 0 ? 0x00400000u : code << 23); }

// A packed MXFP4 byte is a pair of features, a source's a pair of columns: the first in the lower half.
static inline uint32_t nibble(uint32_t byte, uint32_t index) { return (byte >> (4 * (index & 1u))) & 15u; }

// Of the types whose elements are whole bytes.
static inline uint32_t dtype_bytes(int32_t dtype) { return dtype == MK_F32 ? 4 : dtype == MK_F8_E4M3 ? 1 : 2; }

static inline float load_as_float(const void* data, uint64_t index, int32_t dtype) {
  if (dtype == MK_F32) return static_cast<const float*>(data)[index];
  const uint16_t stored = static_cast<const uint16_t*>(data)[index];
  return dtype == MK_BF16 ? float_of_bf16(stored) : float_of_f16(stored);
}

static inline void store_from_float(void* data, uint64_t index, int32_t dtype, float value) {
  if (dtype == MK_F32)
    static_cast<float*>(data)[index] = value;
  else
    static_cast<uint16_t*>(data)[index] = bf16_of_float(value);
}

}  // namespace mk

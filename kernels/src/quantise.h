// Weights in 8 and 4 bits: a group of kGroup neighbouring in_features of an out_feature shares an fp16 scale d, and an element is code * d.
#pragma once

#include <cstdint>

namespace mk {

constexpr int32_t kGroup = 32;

// Quantises a group; elements beyond the matrix are zero. Writes codes (-127..127 for MK_INT8, -8..7 for MK_INT4) and returns the scale's bits. The result
// depends on the elements alone. False: an element is not finite.
//   INT8: d = fp16(m / 127), m the greatest magnitude; code = x * (1 / d) to nearest even, at most 127 in magnitude.
//   INT4: of the scales d = x* / -(8 + 0.1 i), i = -8..8 and x* the element of greatest magnitude, each fitted to the codes that it gives by least
//         squares, the one whose fit explains most; rounded to fp16, codes made anew with it.
using QuantiseGroup = bool (*)(int32_t dtype, const float (&in)[kGroup], int8_t (&codes)[kGroup], uint16_t* scale);

// One source, compiled for each instruction set: plain loops of eight lanes that the compiler makes vectors of, with the same bits.
namespace reference {
bool quantise_group(int32_t dtype, const float (&in)[kGroup], int8_t (&codes)[kGroup], uint16_t* scale);
}
namespace avx2 {
bool quantise_group(int32_t dtype, const float (&in)[kGroup], int8_t (&codes)[kGroup], uint16_t* scale);
}
namespace avx512 {
bool quantise_group(int32_t dtype, const float (&in)[kGroup], int8_t (&codes)[kGroup], uint16_t* scale);
}

}  // namespace mk

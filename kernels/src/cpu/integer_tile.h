// Quantised rows times panels of 8- and 4-bit weights (quantised_row.h): whole numbers within a group, one fma chain over the groups. Compiled once more for the
// instructions that multiply bytes and add four at once (VNNI).
#pragma once

#include "quantised_row.h"

namespace mk {

// Rows of a tile at most: their sums of a group and of all groups stay in registers.
#define MK_INTEGER_TILE(isa)                                                                                      \
  namespace isa {                                                                                                 \
  void multiply_integer_tile(const PackedMatrix& matrix, int32_t panel, int32_t panels, const QuantisedRow* rows, \
                             int32_t count, float* sums);                                                         \
  }
MK_INTEGER_TILE(avx2)
MK_INTEGER_TILE(avx512)
MK_INTEGER_TILE(avx512vnni)
#undef MK_INTEGER_TILE

}  // namespace mk

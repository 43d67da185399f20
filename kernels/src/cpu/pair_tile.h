// Products with bf16 weights by the instruction for pairs of bf16, where a CPU has it.
#pragma once

#include "packed.h"

namespace mk {

// What a tile asks memory for while it multiplies: line k asks for the bytes at offset + k * step from its unit; from
// line `turn` on at `offset_after` instead.
struct Ahead {
  int64_t offset;
  int32_t step;
  int32_t turn;
  int64_t offset_after;
};

namespace avx512bf16 {

// As multiply_tile of tile.h, for MK_BF16; `in[r]` is what pair_row wrote.
void multiply_pair_tile(const PackedMatrix& matrix, int32_t unit, int32_t units, const void* const* in, int32_t rows,
                        const Ahead& ahead, bool resume, float* sums);

// Writes a row's elements rounded to bf16, as the weights' pairs of columns lie: lines_of(columns, MK_BF16) words.
void pair_row(const float* in, int32_t columns, void* out);

// How many times as fast pairs multiply as fused multiply-adds on this CPU, from registers: 2 on some, half on others. Takes
// about 50 us.
double pairs_gain();

}  // namespace avx512bf16
}  // namespace mk

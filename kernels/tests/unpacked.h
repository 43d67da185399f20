// Packed weights made visible by products.
#pragma once

#include "harness.h"

namespace mk::test {

// What a packed weight holds shows in its product with unit rows.
inline std::vector<float> unpacked(mk_weight* weight, int32_t rows, int32_t columns) {
  std::vector<float> units(static_cast<size_t>(columns * columns)), out(static_cast<size_t>(columns * rows));
  for (int32_t i = 0; i < columns; ++i) units[static_cast<size_t>(i * columns + i)] = 1.0f;
  mk_gemm_args args = {units.data(), weight, nullptr, nullptr, out.data(), columns, columns, 0, rows};
  EXPECT_EQ(mk_gemm(reference(), nullptr, &args), MK_OK) << mk_last_error();
  return out;  // [columns, rows]
}

// Weights of different sources that should be the same, seen through a product.
inline void expect_same_weight(const mk_matrix& a, int32_t a_dtype, const mk_matrix& b, int32_t b_dtype,
                               int32_t columns) {
  mk_weight *one = nullptr, *other = nullptr;
  ASSERT_EQ(mk_weight_pack(reference(), &a, 1, columns, a_dtype, &one), MK_OK) << mk_last_error();
  ASSERT_EQ(mk_weight_pack(reference(), &b, 1, columns, b_dtype, &other), MK_OK) << mk_last_error();
  EXPECT_TRUE(same_bits(unpacked(one, a.rows, columns), unpacked(other, b.rows, columns)));
  mk_weight_free(one);
  mk_weight_free(other);
}

}  // namespace mk::test

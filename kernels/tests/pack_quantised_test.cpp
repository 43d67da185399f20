#include <limits>

#include "quantised.h"
#include "unpacked.h"

namespace mk::test {
namespace {

// One in_feature: a row of one 1 gives every weight as it is.
std::vector<float> column_of(mk_context* context, const mk_matrix& source, int32_t dtype, int32_t rows_at_once) {
  mk_weight* weight = nullptr;
  EXPECT_EQ(mk_weight_pack(context, &source, 1, 1, dtype, &weight), MK_OK) << mk_last_error();
  const std::vector<float> ones(static_cast<size_t>(rows_at_once), 1.0f);
  std::vector<float> out(static_cast<size_t>(rows_at_once * source.rows));
  const mk_gemm_args args = {ones.data(), weight, nullptr, nullptr, out.data(), rows_at_once, 1, 0, source.rows};
  EXPECT_EQ(mk_gemm(context, nullptr, &args), MK_OK) << mk_last_error();
  finish(context);
  mk_weight_free(weight);
  for (int32_t row = 1; row < rows_at_once; ++row)
    EXPECT_TRUE(same_bits(row_of(out, 0, source.rows), row_of(out, row, source.rows)));
  return row_of(out, 0, source.rows);
}

void expect_column(const std::vector<float>& expected, const mk_matrix& source) {
  for (int32_t backend : {MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512}) {
    const Context context = make_context(backend);
    if (context == nullptr) continue;
    for (int32_t dtype : {static_cast<int32_t>(MK_F32), source.data_dtype}) {
      for (int32_t rows_at_once : {1, 12, 30}) {
        const std::vector<float> actual = column_of(context.get(), source, dtype, rows_at_once);
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(expected[i], actual[i])
              << mk_context_backend(context.get()) << ", packed as " << dtype << ", element " << i;
        }
      }
    }
  }
}

TEST(QuantisedPack, EveryF8Code_IsItsValueTimesItsScale) {
  std::vector<uint8_t> codes;
  std::vector<float> scales, expected;
  for (float scale : {1.0f, 0.0f, 0.3f, -1.7e-3f, 0x1.fffffep+119f, 0x1p-149f, 0x1.234566p-130f, 3e-38f}) {
    for (int32_t code = 0; code < 256; ++code) {
      if ((code & 0x7f) == 0x7f) continue;
      codes.push_back(static_cast<uint8_t>(code));
      scales.push_back(scale);
      expected.push_back(f8_value(code) * scale);
    }
  }
  mk_matrix source = plain_matrix(codes.data(), MK_F8_E4M3, static_cast<int32_t>(codes.size()));
  source.scales = scales.data();
  source.block_rows = source.block_columns = 1;
  source.scale_row_stride = 1;
  expect_column(expected, source);
}

TEST(QuantisedPack, EveryMxfp4CodeAndScale_IsTheirProduct) {
  std::vector<uint8_t> codes, exponents;
  std::vector<float> expected;
  for (int32_t exponent = 0; exponent < 255; ++exponent) {
    for (int32_t code = 0; code < 16; ++code) {
      codes.push_back(static_cast<uint8_t>(code));
      exponents.push_back(static_cast<uint8_t>(exponent));
      expected.push_back(f4_value(code) * std::ldexp(1.0f, exponent - 127));
    }
  }
  mk_matrix source = plain_matrix(codes.data(), MK_MXFP4, static_cast<int32_t>(codes.size()));
  source.row_stride = 2;
  source.scales = exponents.data();
  source.block_rows = 1;
  source.block_columns = 32;
  source.scale_row_stride = 1;
  expect_column(expected, source);
}

struct QuantisedPart {
  int32_t dtype;
  Blocks blocks;
};

TEST(QuantisedPack, QuantisedMatrices_KeepTheirValuesPackedAsTheyAreOrConverted) {
  const QuantisedPart parts[] = {{MK_F8_E4M3, {128, 128}},
                                 {MK_F8_E4M3, {7, 256, 3, 128}},
                                 {MK_F8_E4M3, {1000, 1000, 900, 250}},  // all within one block
                                 {MK_F8_E4M3, {1, 1 << 30}},            // a scale for each row
                                 {MK_MXFP4, {1, 32}},
                                 {MK_MXFP4, {5, 64, 2, 32}}};
  const int32_t rows = 45, columns = 203;
  for (const QuantisedPart& part : parts) {
    const QuantisedMatrix matrix(7, part.dtype, rows, columns, part.blocks);
    const std::vector<float> expected = matrix.values();
    for (int32_t dtype : {part.dtype, static_cast<int32_t>(MK_F32), static_cast<int32_t>(MK_BF16)}) {
      const mk_matrix stacked[] = {matrix.source(), matrix.source()};
      mk_weight* weight = nullptr;
      ASSERT_EQ(mk_weight_pack(reference(), stacked, 2, columns, dtype, &weight), MK_OK) << mk_last_error();
      const std::vector<float> out = unpacked(weight, 2 * rows, columns);
      for (int32_t row = 0; row < 2 * rows; ++row) {
        for (int32_t column = 0; column < columns; ++column) {
          ASSERT_EQ(out[static_cast<size_t>(column * 2 * rows + row)],
                    rounded_to(dtype == MK_BF16 ? MK_BF16 : MK_F32,
                               expected[static_cast<size_t>(row % rows * columns + column)]))
              << row << ", " << column;
        }
      }
      mk_weight_free(weight);
    }
  }
}

TEST(QuantisedPack, StoredTypes_TakeTheirBytes) {
  const QuantisedMatrix f8(1, MK_F8_E4M3, 33, 256, {128, 128}), f4(1, MK_MXFP4, 33, 256, {1, 32});
  const mk_matrix f8_source = f8.source(), f4_source = f4.source();
  mk_weight *a = nullptr, *b = nullptr;
  ASSERT_EQ(mk_weight_pack(reference(), &f8_source, 1, 256, MK_F8_E4M3, &a), MK_OK) << mk_last_error();
  ASSERT_EQ(mk_weight_pack(reference(), &f4_source, 1, 256, MK_MXFP4, &b), MK_OK) << mk_last_error();
  EXPECT_EQ(mk_weight_bytes(a), 2u * (256 * 32 + 2 * 32 * 4));
  EXPECT_EQ(mk_weight_bytes(b), 2u * (256 * 16 + 8 * 32));
  mk_weight_free(a);
  mk_weight_free(b);
}

TEST(QuantisedPack, TransposedF8_EqualsItsCopy) {
  const int32_t rows = 37, columns = 140;
  const QuantisedMatrix matrix(11, MK_F8_E4M3, columns, rows, {128, 16});  // [columns, rows]
  mk_matrix transposed = matrix.source();
  std::swap(transposed.block_rows, transposed.block_columns);
  std::swap(transposed.scale_row_stride, transposed.scale_column_stride);
  transposed.column_stride = transposed.row_stride;
  transposed.row_stride = 1;
  transposed.rows = rows;
  std::vector<float> copy;
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t column = 0; column < columns; ++column) copy.push_back(matrix.value(column, row));
  }
  expect_same_weight(plain_matrix(copy.data(), MK_F32, rows), MK_F32, transposed, MK_F8_E4M3, columns);
}

// Every second row from the second on, and a part of the columns.
TEST(QuantisedPack, InterleavedRowsAndParts_EqualTheirCopies) {
  for (int32_t dtype : {MK_F8_E4M3, MK_MXFP4}) {
    const int32_t rows = 60, columns = 300, first_column = 128, part_columns = 171;
    const QuantisedMatrix matrix(13, dtype, rows, columns, usual_blocks(dtype));
    const mk_matrix whole = matrix.source();
    mk_matrix part = whole;
    const int64_t offset = whole.row_stride + first_column;  // elements
    part.data = static_cast<const uint8_t*>(whole.data) + (dtype == MK_MXFP4 ? offset / 2 : offset);
    part.row_stride = 2 * whole.row_stride;
    part.rows = rows / 2;
    const int64_t scale_offset = first_column / whole.block_columns + (dtype == MK_MXFP4 ? whole.scale_row_stride : 0);
    part.scales = static_cast<const uint8_t*>(whole.scales) + scale_offset * (dtype == MK_MXFP4 ? 1 : 4);
    if (dtype == MK_MXFP4) part.scale_row_stride = 2 * whole.scale_row_stride;  // F8: all rows lie in one block
    std::vector<float> copy;
    for (int32_t row = 0; row < part.rows; ++row) {
      for (int32_t column = 0; column < part_columns; ++column)
        copy.push_back(matrix.value(2 * row + 1, first_column + column));
    }
    const mk_matrix copied = plain_matrix(copy.data(), MK_F32, part.rows);
    expect_same_weight(copied, MK_F32, part, dtype, part_columns);
    expect_same_weight(copied, MK_F32, part, MK_F32, part_columns);
  }
}

TEST(QuantisedPack, BlocksThatDoNotFit_AreUnsupportedPackedAsTheyAreOnly) {
  const QuantisedPart parts[] = {{MK_F8_E4M3, {128, 128, 0, 64}}, {MK_F8_E4M3, {128, 64}}, {MK_MXFP4, {1, 32, 0, 16}}};
  for (const QuantisedPart& part : parts) {
    const QuantisedMatrix matrix(17, part.dtype, 5, 200, part.blocks);
    const mk_matrix source = matrix.source();
    mk_weight* weight = nullptr;
    EXPECT_EQ(mk_weight_pack(reference(), &source, 1, 200, part.dtype, &weight), MK_UNSUPPORTED);
    EXPECT_NE(std::string(mk_last_error()).find("blocks"), std::string::npos) << mk_last_error();
    ASSERT_EQ(mk_weight_pack(reference(), &source, 1, 200, MK_F32, &weight), MK_OK) << mk_last_error();
    const std::vector<float> out = unpacked(weight, 5, 200), expected = matrix.values();
    for (int32_t row = 0; row < 5; ++row) {
      for (int32_t column = 0; column < 200; ++column)
        ASSERT_EQ(out[static_cast<size_t>(column * 5 + row)], expected[static_cast<size_t>(row * 200 + column)]);
    }
    mk_weight_free(weight);
  }
}

TEST(QuantisedPack, WhatIsNotANumber_IsRefused) {
  for (int32_t packed : {MK_F8_E4M3, MK_F32}) {
    mk_weight* weight = nullptr;
    QuantisedMatrix code(19, MK_F8_E4M3, 40, 50, {128, 128}), scale = code;
    mk_matrix source = code.source();
    for (uint8_t bad : {uint8_t{0x7f}, uint8_t{0xff}}) {
      code.codes()[static_cast<size_t>(39 * source.row_stride + 49)] = bad;
      EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 50, packed, &weight), "0x7f");
    }
    source = scale.source();
    scale.scales()[0] = std::numeric_limits<float>::infinity();
    EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 50, packed, &weight), "scale");
    scale.scales()[0] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 50, packed, &weight), "scale");
    scale.scales()[0] = 0x1p120f;
    EXPECT_EQ(mk_weight_pack(reference(), &source, 1, 50, packed, &weight), packed == MK_F32 ? MK_OK : MK_UNSUPPORTED);
    if (packed == MK_F32) mk_weight_free(weight);
  }
  for (int32_t packed : {MK_MXFP4, MK_F32}) {
    mk_weight* weight = nullptr;
    QuantisedMatrix matrix(23, MK_MXFP4, 40, 50, {1, 32});
    const mk_matrix source = matrix.source();
    matrix.exponents()[static_cast<size_t>(39 * source.scale_row_stride + 1)] = 255;
    EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 50, packed, &weight), "scale");
  }
}

TEST(QuantisedPack, BadBlocks_AreRefusedByName) {
  mk_weight* weight = nullptr;
  const QuantisedMatrix matrix(29, MK_MXFP4, 4, 8, {1, 32});
  const mk_matrix good = matrix.source();
  mk_matrix source = good;
  source.scales = nullptr;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "scales");
  source = good;
  source.block_columns = 0;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "block_columns");
  source = good;
  source.scale_column = 32;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "scale_column");
  source = good;
  source.scale_row = -1;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "scale_row");
  source = good;
  source.row_stride = 9;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "even");
  source = good;
  source.column_stride = 2;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 8, MK_F32, &weight), "column_stride");
  EXPECT_EQ(mk_weight_pack(reference(), &good, 1, 8, MK_F8_E4M3, &weight), MK_UNSUPPORTED);
}

}  // namespace
}  // namespace mk::test

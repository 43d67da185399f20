#include "unpacked.h"

namespace mk::test {
namespace {

TEST(WeightPack, StackedMatricesOfEveryType_KeepTheirValues) {
  Random random(41);
  const int32_t columns = 35;
  const std::vector<float> q = random.numbers(20 * columns), v = random.numbers(9 * columns);
  const std::vector<uint16_t> k = to_bf16(random.numbers(30 * columns));
  const std::vector<uint16_t> halves(static_cast<size_t>(2 * columns), 0x3e00);  // 1.5
  const mk_matrix sources[] = {plain_matrix(q.data(), MK_F32, 20), plain_matrix(k.data(), MK_BF16, 30),
                               plain_matrix(v.data(), MK_F32, 9), plain_matrix(halves.data(), MK_F16, 2)};
  for (int32_t dtype : {MK_F32, MK_BF16}) {
    mk_weight* weight = nullptr;
    ASSERT_EQ(mk_weight_pack(reference(), sources, 4, columns, dtype, &weight), MK_OK) << mk_last_error();
    EXPECT_EQ(mk_weight_bytes(weight),
              static_cast<uint64_t>(64 * (dtype == MK_F32 ? columns * 4 : (columns + 1) / 2 * 4)));
    const std::vector<float> out = unpacked(weight, 61, columns);
    for (int32_t column = 0; column < columns; ++column) {
      const float* features = out.data() + column * 61;
      for (int32_t i = 0; i < 20; ++i)
        EXPECT_EQ(features[i], rounded_to(dtype, q[static_cast<size_t>(i * columns + column)]));
      for (int32_t i = 0; i < 30; ++i) {
        const uint32_t bits = static_cast<uint32_t>(k[static_cast<size_t>(i * columns + column)]) << 16;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        EXPECT_EQ(features[20 + i], value);
      }
      for (int32_t i = 0; i < 9; ++i)
        EXPECT_EQ(features[50 + i], rounded_to(dtype, v[static_cast<size_t>(i * columns + column)]));
      EXPECT_EQ(features[59], 1.5f);
    }
    mk_weight_free(weight);
  }
}

TEST(WeightPack, TransposedMatrix_EqualsItsCopy) {
  const int32_t rows = 37, columns = 70;
  const std::vector<float> matrix = Random(3).numbers(rows * columns);  // [columns, rows]
  std::vector<float> copy;
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t column = 0; column < columns; ++column)
      copy.push_back(matrix[static_cast<size_t>(column * rows + row)]);
  }
  mk_matrix transposed = plain_matrix(matrix.data(), MK_F32, rows);
  transposed.row_stride = 1;
  transposed.column_stride = rows;
  expect_same_weight(plain_matrix(copy.data(), MK_F32, rows), MK_BF16, transposed, MK_BF16, columns);
}

TEST(WeightPack, ManyThreads_GiveTheSameWeight) {
  const Context many = make_context(MK_BACKEND_REFERENCE, 4);
  const std::vector<float> matrix = Random(43).numbers(700 * 64);
  const mk_matrix source = plain_matrix(matrix.data(), MK_F32, 700);
  mk_weight *one = nullptr, *other = nullptr;
  ASSERT_EQ(mk_weight_pack(reference(), &source, 1, 64, MK_BF16, &one), MK_OK);
  ASSERT_EQ(mk_weight_pack(many.get(), &source, 1, 64, MK_BF16, &other), MK_OK);
  EXPECT_TRUE(same_bits(unpacked(one, 700, 64), unpacked(other, 700, 64)));
  mk_weight_free(one);
  mk_weight_free(other);
}

TEST(WeightPack, BadArguments_AreRefusedByName) {
  const std::vector<float> data(16);
  mk_weight* weight = nullptr;
  mk_matrix source = plain_matrix(nullptr, MK_F32, 4);
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 4, MK_F32, &weight), "data is null");
  source = plain_matrix(data.data(), MK_F32, 0);
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 4, MK_F32, &weight), "rows");
  source = plain_matrix(data.data(), MK_F32, 4);
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 0, MK_F32, &weight), "columns");
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 0, 4, MK_F32, &weight), "at least one");
  EXPECT_EQ(mk_weight_pack(reference(), &source, 1, 4, MK_F16, &weight), MK_UNSUPPORTED);
  EXPECT_EQ(mk_weight_pack(reference(), &source, 1, 4, MK_F8_E4M3, &weight), MK_UNSUPPORTED);
  source.row_stride = -1;
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 4, MK_F32, &weight), "strides");
  source = plain_matrix(data.data(), MK_F32, 4);
  source.scales = data.data();
  EXPECT_REFUSED(mk_weight_pack(reference(), &source, 1, 4, MK_F32, &weight), "scales");
  source.scales = nullptr;
  source.data_dtype = 9;
  EXPECT_EQ(mk_weight_pack(reference(), &source, 1, 4, MK_F32, &weight), MK_UNSUPPORTED);
  EXPECT_EQ(weight, nullptr);
}

TEST(ExpertsPack, WrongRows_AreRefusedByName) {
  const std::vector<float> data(64);
  mk_experts* experts = nullptr;
  const mk_experts_shape shape = {1, 8, 4, MK_F32, MK_SWIGLU, 0, 0};
  mk_expert_matrices source = plain_expert(data.data(), data.data(), data.data(), 8, 4);
  source.up.rows = 5;
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, &source, &experts), "up");
  source = plain_expert(data.data(), data.data(), data.data(), 8, 4);
  source.down.rows = 4;
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, &source, &experts), "down");
}

TEST(ExpertsPack, BadShapesAndBiases_AreRefusedByName) {
  const std::vector<float> data(64);
  mk_experts* experts = nullptr;
  mk_expert_matrices sources[2];
  for (mk_expert_matrices& source : sources) source = plain_expert(data.data(), data.data(), data.data(), 8, 4);
  mk_experts_shape shape = {2, 8, 4, MK_F32, MK_SWIGLU_CLAMPED, 1, 0};
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, sources, &experts), "limit");
  shape.activation = 2;
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, sources, &experts), "activation");
  shape.activation = MK_SWIGLU;
  sources[0].gate_bias = data.data();
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, sources, &experts), "up_bias");
  sources[0].up_bias = data.data();
  EXPECT_REFUSED(mk_experts_pack(reference(), &shape, sources, &experts), "bias");
  EXPECT_REFUSED(mk_experts_pack(reference(), nullptr, sources, &experts), "shape");
  sources[1].gate_bias = sources[1].up_bias = data.data();
  ASSERT_EQ(mk_experts_pack(reference(), &shape, sources, &experts), MK_OK) << mk_last_error();
  mk_experts_free(experts);
}

}  // namespace
}  // namespace mk::test

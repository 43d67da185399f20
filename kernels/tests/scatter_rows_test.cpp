#include "harness.h"

namespace mk::test {
namespace {

class ScatterRows : public ::testing::TestWithParam<int32_t> {};
INSTANTIATE_TEST_SUITE_P(Backends, ScatterRows,
                         ::testing::Values(MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512));

TEST_P(ScatterRows, AnyOrderAndRepeats_CopiesTheNamedRows) {
  const Context context = make_context(GetParam(), 3);
  if (context == nullptr) GTEST_SKIP() << "Skipped: " << mk_last_error();
  Random random(23);
  for (int32_t i = 0; i < 20; ++i) {
    const int32_t hidden = 1 + random.below(300), rows = random.below(i == 0 ? 900 : 40), stride = hidden + 3;
    const std::vector<float> in = random.numbers(9 * stride);
    std::vector<int32_t> index;
    for (int32_t row = 0; row < rows; ++row) index.push_back(random.below(9));
    std::vector<float> out(static_cast<size_t>(rows * hidden)), expected;
    for (int32_t row : index)
      expected.insert(expected.end(), in.begin() + row * stride, in.begin() + row * stride + hidden);
    const mk_scatter_rows_args args = {in.data(), index.data(), out.data(), rows, hidden, stride};
    ASSERT_EQ(mk_scatter_rows(context.get(), nullptr, &args), MK_OK) << mk_last_error();
    EXPECT_TRUE(same_bits(expected, out));
  }
}

TEST(ScatterRowsReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  const std::vector<int32_t> index = {0, -1};
  const mk_scatter_rows_args args = {data.data(), index.data(), data.data() + 4, 2, 2, 2};
  EXPECT_REFUSED(mk_scatter_rows(reference(), nullptr, &args), "row_index[1]");
  const mk_scatter_rows_args narrow = {data.data(), index.data(), data.data() + 4, 1, 2, 1};
  EXPECT_REFUSED(mk_scatter_rows(reference(), nullptr, &narrow), "in_stride");
}

}  // namespace
}  // namespace mk::test

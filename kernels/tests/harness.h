// What the operations' tests share: contexts of each backend, generated numbers, and comparison by bits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "mk/mk.h"

namespace mk::test {

// Whether this program's memory is a GPU's too (device_memory.cpp).
bool device_reads_tests_memory();

struct ContextDeleter {
  void operator()(mk_context* context) const { mk_context_destroy(context); }
};
using Context = std::unique_ptr<mk_context, ContextDeleter>;

// Null if this machine lacks the backend.
inline Context make_context(int32_t backend, int32_t threads = 1) {
  mk_context_config config = {};
  config.struct_bytes = sizeof config;
  config.backend = backend;
  config.thread_count = threads;
  mk_context* context = nullptr;
  (void)mk_context_create(&config, &context);
  return Context(context);
}

inline bool is_device(const mk_context* context) { return std::string(mk_context_backend(context)) == "cuda"; }

// Until results can be read.
inline void finish(mk_context* context) { EXPECT_EQ(mk_stream_wait(context, nullptr), MK_OK) << mk_last_error(); }

inline mk_context* reference() {
  static const Context context = make_context(MK_BACKEND_REFERENCE);
  return context.get();
}

inline uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float rounded_to(int32_t dtype, float value) {
  if (dtype == MK_F32) return value;
  const uint32_t bits = static_cast<uint32_t>(to_bf16(value)) << 16;
  float rounded;
  std::memcpy(&rounded, &bits, sizeof rounded);
  return rounded;
}

// A row's element as products with weights of a type take it.
inline double taken_as(int32_t dtype, double value) {
  return dtype == MK_BF16 ? rounded_to(MK_BF16, static_cast<float>(value)) : value;
}

// Repeatable numbers from a seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  int32_t below(int32_t limit) { return static_cast<int32_t>(bits() % static_cast<uint32_t>(limit)); }
  // In -1 .. 1, about half of them small.
  float number() {
    const float x = static_cast<float>(static_cast<int32_t>(bits())) * 0x1p-31f;
    return (bits() & 1u) != 0 ? x : x * x * x;
  }
  std::vector<float> numbers(int64_t count, float scale = 1.0f) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = only_bf16 ? rounded_to(MK_BF16, number() * scale) : number() * scale;
    return values;
  }

  // While a GPU is tested: numbers that its tensor cores take as they are, so that what remains of a difference is small.
  static inline bool only_bf16 = false;

 private:
  uint64_t state_;
};

inline std::vector<uint16_t> to_bf16(const std::vector<float>& values) {
  std::vector<uint16_t> stored;
  for (float value : values) stored.push_back(to_bf16(value));
  return stored;
}

// A matrix of a type without scales, as it lies in memory.
inline mk_matrix plain_matrix(const void* data, int32_t dtype, int32_t rows) {
  mk_matrix matrix = {};
  matrix.data = data;
  matrix.data_dtype = dtype;
  matrix.rows = rows;
  return matrix;
}

inline mk_expert_matrices plain_expert(const float* gate, const float* up, const float* down, int32_t hidden,
                                       int32_t width) {
  return {plain_matrix(gate, MK_F32, width),
          plain_matrix(up, MK_F32, width),
          plain_matrix(down, MK_F32, hidden),
          nullptr,
          nullptr,
          nullptr};
}

struct WeightDeleter {
  void operator()(mk_weight* weight) const { mk_weight_free(weight); }
};
using Weight = std::unique_ptr<mk_weight, WeightDeleter>;

// A matrix packed for a context: CPU contexts share what the reference packed, a GPU packs its own.
inline Weight pack(mk_context* context, const mk_matrix& source, int32_t columns, int32_t dtype) {
  mk_weight* weight = nullptr;
  EXPECT_EQ(mk_weight_pack(context, &source, 1, columns, dtype, &weight), MK_OK) << mk_last_error();
  return Weight(weight);
}

template <typename T>
::testing::AssertionResult same_bits(const std::vector<T>& expected, const std::vector<T>& actual) {
  if (expected.size() != actual.size()) return ::testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&expected[i], &actual[i], sizeof(T)) == 0) continue;
    return ::testing::AssertionFailure() << "element " << i << " of " << expected.size() << ": expected " << expected[i]
                                         << ", got " << actual[i];
  }
  return ::testing::AssertionSuccess();
}

inline void expect_near(double expected, double actual, double tolerance, const std::string& where) {
  EXPECT_LE(std::abs(expected - actual), tolerance) << where << ": expected " << expected << ", got " << actual;
}

// A GPU sums in an order of its own and rounds what lies between two products to bf16: a part of what is usual in `expected` may be off.
template <typename Number>
::testing::AssertionResult is_close(const std::vector<Number>& expected, const std::vector<Number>& actual,
                                    double tolerance) {
  if (expected.size() != actual.size()) return ::testing::AssertionFailure() << "sizes differ";
  double squares = 0;
  for (Number value : expected) squares += std::isfinite(value) ? static_cast<double>(value) * value : 0.0;
  const double usual = std::sqrt(squares / std::max<double>(1.0, static_cast<double>(expected.size())));
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&expected[i], &actual[i], sizeof(Number)) == 0 ||
        (std::isnan(expected[i]) && std::isnan(actual[i])))
      continue;
    if (std::abs(static_cast<double>(expected[i]) - actual[i]) <=
        tolerance * (usual + std::abs(static_cast<double>(expected[i]))))
      continue;
    return ::testing::AssertionFailure() << "element " << i << " of " << expected.size() << ": expected about "
                                         << expected[i] << ", got " << actual[i] << " (usual " << usual << ")";
  }
  return ::testing::AssertionSuccess();
}

// Tests that run once per backend faster than the reference.
class FastBackend : public ::testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    Random::only_bf16 = is_gpu();
    for (int32_t threads = 1; threads <= (is_gpu() ? 1 : 4); ++threads) {
      contexts_.push_back(make_context(GetParam(), threads));
      if (contexts_.back() == nullptr) GTEST_SKIP() << "Skipped: " << mk_last_error();
    }
    if (is_gpu() && !device_reads_tests_memory())
      GTEST_SKIP() << "Skipped: on a GPU set MK_TEST_CUDA=1, which gives tests memory that it reads";
  }
  void TearDown() override { Random::only_bf16 = false; }

  bool is_gpu() const { return GetParam() == MK_BACKEND_CUDA; }
  // Weights that a backend packs.
  bool takes(int32_t dtype) const { return !is_gpu() || dtype == MK_BF16 || dtype == MK_F32; }

  // Of 1, 2, 3 and 4 threads; of a GPU one.
  const std::vector<Context>& contexts() const { return contexts_; }

  // A Case describes generated arguments of one operation:
  //   int32_t rows() const
  //   Result run(mk_context*, int32_t row_begin, int32_t row_end) const    any result type that same_bits compares
  //   Result slice(const Result&, int32_t row) const                      what run(context, row, row + 1) should give
  // On a GPU: close to the reference, and each row's bits the same alone.
  template <typename Case>
  void expect_reference_bits(const Case& c, const std::string& where, double gpu_tolerance = 1e-5) {
    if (is_gpu()) {
      expect_close_and_invariant(c, where, gpu_tolerance);
      return;
    }
    const auto expected = c.run(reference(), 0, c.rows());
    for (const Context& context : contexts_) {
      ASSERT_TRUE(same_bits(expected, c.run(context.get(), 0, c.rows())))
          << where << ", threads " << mk_context_threads(context.get());
    }
    for (int32_t row = 0; row < c.rows(); row += 1 + c.rows() / 5) {
      ASSERT_TRUE(same_bits(c.slice(expected, row), c.run(contexts_[0].get(), row, row + 1)))
          << where << ", row " << row << " alone";
    }
  }

 private:
  template <typename Case>
  void expect_close_and_invariant(const Case& c, const std::string& where, double tolerance) {
    mk_context* context = contexts_[0].get();
    const auto actual = c.run(context, 0, c.rows());
    ASSERT_TRUE(is_close(c.run(reference(), 0, c.rows()), actual, tolerance)) << where;
    for (int32_t row = 0; row < c.rows(); row += 1 + c.rows() / 5)
      ASSERT_TRUE(same_bits(c.slice(actual, row), c.run(context, row, row + 1)))
          << where << ", row " << row << " alone";
  }

  std::vector<Context> contexts_;
};

inline std::string backend_name(const ::testing::TestParamInfo<int32_t>& info) {
  return info.param == MK_BACKEND_AVX2          ? "avx2"
         : info.param == MK_BACKEND_AVX512      ? "avx512"
         : info.param == MK_BACKEND_AVX512_VNNI ? "avx512vnni"
         : info.param == MK_BACKEND_AVX512_BF16 ? "avx512bf16"
                                                : "cuda";
}

#define MK_FAST_BACKENDS(fixture)                                                                        \
  INSTANTIATE_TEST_SUITE_P(Backends, fixture,                                                            \
                           ::testing::Values(MK_BACKEND_AVX2, MK_BACKEND_AVX512, MK_BACKEND_AVX512_VNNI, \
                                             MK_BACKEND_AVX512_BF16, MK_BACKEND_CUDA),                   \
                           mk::test::backend_name)

// Rows `row` of a [rows, stride] buffer.
template <typename T>
std::vector<T> row_of(const std::vector<T>& values, int32_t row, int64_t stride) {
  return {values.begin() + row * stride, values.begin() + (row + 1) * stride};
}

#define EXPECT_REFUSED(call, text)                                                            \
  do {                                                                                        \
    EXPECT_EQ(call, MK_INVALID);                                                              \
    EXPECT_NE(std::string(mk_last_error()).find(text), std::string::npos) << mk_last_error(); \
  } while (false)

}  // namespace mk::test

// What the operations' tests share: contexts of each backend, generated numbers, and comparison by bits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "mk/mk.h"

namespace mk::test {

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

inline mk_context* reference() {
  static const Context context = make_context(MK_BACKEND_REFERENCE);
  return context.get();
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
    for (float& value : values) value = number() * scale;
    return values;
  }

 private:
  uint64_t state_;
};

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

// Tests that run once per backend faster than the reference.
class FastBackend : public ::testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    for (int32_t threads = 1; threads <= 4; ++threads) {
      contexts_.push_back(make_context(GetParam(), threads));
      if (contexts_.back() == nullptr) GTEST_SKIP() << "Skipped: " << mk_last_error();
    }
  }

  // Of 1, 2, 3 and 4 threads.
  const std::vector<Context>& contexts() const { return contexts_; }

  // A Case describes generated arguments of one operation:
  //   int32_t rows() const
  //   Result run(mk_context*, int32_t row_begin, int32_t row_end) const    any result type that same_bits compares
  //   Result slice(const Result&, int32_t row) const                      what run(context, row, row + 1) should give
  template <typename Case>
  void expect_reference_bits(const Case& c, const std::string& where) {
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
  std::vector<Context> contexts_;
};

inline std::string backend_name(const ::testing::TestParamInfo<int32_t>& info) {
  return info.param == MK_BACKEND_AVX2 ? "avx2" : "avx512";
}

#define MK_FAST_BACKENDS(fixture)                                                                    \
  INSTANTIATE_TEST_SUITE_P(Backends, fixture, ::testing::Values(MK_BACKEND_AVX2, MK_BACKEND_AVX512), \
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

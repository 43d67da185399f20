#include <sched.h>
#include <time.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "harness.h"

namespace mk::test {
namespace {

mk_context_config plain_config() {
  mk_context_config config = {};
  config.struct_bytes = sizeof config;
  return config;
}

TEST(Context, Defaults_HaveABackendAndThreads) {
  const mk_context_config config = plain_config();
  mk_context* context = nullptr;
  ASSERT_EQ(mk_context_create(&config, &context), MK_OK) << mk_last_error();
  EXPECT_STREQ(mk_context_numerics(context), "cpu-fma-2");
  EXPECT_GE(mk_context_threads(context), 1);
  mk_context_destroy(context);
  EXPECT_STREQ(mk_context_backend(reference()), "reference");
}

TEST(Context, BadConfigurations_AreRefusedByName) {
  mk_context* context = nullptr;
  mk_context_config config = plain_config();
  config.struct_bytes = 4;
  EXPECT_REFUSED(mk_context_create(&config, &context), "struct_bytes");
  config = plain_config();
  config.thread_count = -1;
  EXPECT_REFUSED(mk_context_create(&config, &context), "thread_count");
  config = plain_config();
  config.device_index = 1;
  EXPECT_REFUSED(mk_context_create(&config, &context), "device_index");
  config = plain_config();
  config.core_mask[3] = uint64_t{1} << 63;
  EXPECT_REFUSED(mk_context_create(&config, &context), "core_mask");
  config = plain_config();
  config.backend = MK_BACKEND_CUDA;
  EXPECT_EQ(mk_context_create(&config, &context), MK_UNSUPPORTED);
  EXPECT_REFUSED(mk_context_create(nullptr, &context), "null");
  EXPECT_EQ(context, nullptr);
}

TEST(Context, LastError_IsClearedByTheNextCall) {
  EXPECT_REFUSED(mk_context_create(nullptr, nullptr), "null");
  EXPECT_EQ(mk_stream_wait(reference(), nullptr), MK_OK);
  EXPECT_STREQ(mk_last_error(), "");
}

TEST(Context, CoreMask_ConfinesTheCallerOnlyWhenAsked) {
  std::thread([] {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    int core = 0;
    while (!CPU_ISSET(core, &before)) ++core;
    mk_context_config config = plain_config();
    config.core_mask[core / 64] = uint64_t{1} << (core % 64);
    mk_context* context = nullptr;
    ASSERT_EQ(mk_context_create(&config, &context), MK_OK) << mk_last_error();
    EXPECT_EQ(mk_context_threads(context), 1);
    cpu_set_t after;
    sched_getaffinity(0, sizeof after, &after);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
    EXPECT_EQ(mk_context_pin_caller(context), MK_OK);
    sched_getaffinity(0, sizeof after, &after);
    EXPECT_EQ(CPU_COUNT(&after), 1);
    mk_context_destroy(context);
  }).join();
}

// The cores of this process' threads that compute for contexts, and of the calling one.
std::vector<cpu_set_t> cores_of_threads() {
  std::vector<cpu_set_t> sets(1);
  sched_getaffinity(0, sizeof sets[0], &sets[0]);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    cpu_set_t cores;
    if (name == "mk-worker" && sched_getaffinity(std::stoi(entry.path().filename()), sizeof cores, &cores) == 0)
      sets.push_back(cores);
  }
  return sets;
}

TEST(Context, AsManyThreadsAsCores_HaveOneEach) {
  std::thread([] {
    cpu_set_t before, all;
    sched_getaffinity(0, sizeof before, &before);
    const int32_t cores = CPU_COUNT(&before);
    for (const int32_t threads : {cores, cores + 1}) {
      mk_context_config config = plain_config();
      config.thread_count = threads;
      mk_context* context = nullptr;
      ASSERT_EQ(mk_context_create(&config, &context), MK_OK) << mk_last_error();
      EXPECT_EQ(mk_context_pin_caller(context), MK_OK);
      const auto are_settled = [&] {  // workers confine themselves
        const std::vector<cpu_set_t> sets = cores_of_threads();
        CPU_ZERO(&all);
        for (const cpu_set_t& set : sets) {
          if (CPU_COUNT(&set) != (threads == cores ? 1 : cores)) return false;
          CPU_OR(&all, &all, &set);
        }
        return static_cast<int32_t>(sets.size()) == threads && CPU_COUNT(&all) == cores;
      };
      bool settled = false;
      for (int32_t i = 0; i < 5000 && !(settled = are_settled()); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      EXPECT_TRUE(settled) << threads << " threads on " << cores << " cores";
      mk_context_destroy(context);
      sched_setaffinity(0, sizeof before, &before);
    }
  }).join();
}

TEST(Context, Memory_IsAlignedZeroedAndCopied) {
  void* memory = nullptr;
  for (uint64_t bytes : {uint64_t{0}, uint64_t{100}, uint64_t{5} << 20}) {
    ASSERT_EQ(mk_allocate(reference(), bytes, &memory), MK_OK);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    for (uint64_t i = 0; i < bytes; i += 13) ASSERT_EQ(static_cast<char*>(memory)[i], 0);
    mk_free(reference(), memory);
  }
  EXPECT_EQ(mk_allocate(reference(), UINT64_MAX, &memory), MK_NO_MEMORY);
  int from = 5, to = 0;
  EXPECT_EQ(mk_copy(reference(), nullptr, &to, &from, sizeof to), MK_OK);
  EXPECT_EQ(to, 5);
}

TEST(Context, StreamOfAnotherContext_IsRefused) {
  const Context other = make_context(MK_BACKEND_REFERENCE);
  mk_stream* stream = nullptr;
  ASSERT_EQ(mk_stream_create(reference(), &stream), MK_OK);
  EXPECT_EQ(mk_stream_wait(reference(), stream), MK_OK);
  EXPECT_REFUSED(mk_stream_wait(other.get(), stream), "another context");
  mk_stream_destroy(stream);
}

// Several contexts at once on the same cores, with short and long pauses between calls: nobody waits for a thread that
// sleeps.
TEST(Context, ManyContextsAtOnce_AllFinishWithTheSameBits) {
  const std::vector<float> matrix = Random(47).numbers(2000 * 64), in = Random(48).numbers(6 * 64);
  const mk_matrix source = plain_matrix(matrix.data(), MK_F32, 2000);
  const auto product = [&](mk_context* context) {
    mk_weight* weight = nullptr;
    std::vector<float> out(6 * 2000);
    EXPECT_EQ(mk_weight_pack(context, &source, 1, 64, MK_BF16, &weight), MK_OK);
    const mk_gemm_args args = {in.data(), weight, nullptr, nullptr, out.data(), 6, 64, 0, 2000};
    EXPECT_EQ(mk_gemm(context, nullptr, &args), MK_OK);
    mk_weight_free(weight);
    return out;
  };
  const std::vector<float> expected = product(reference());
  std::vector<std::thread> owners;
  for (int owner = 0; owner < 3; ++owner) {
    owners.emplace_back([&, owner] {
      const Context context = make_context(MK_BACKEND_AUTO, 3);
      for (int i = 0; i < 25; ++i) {
        if (i % 8 == owner) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ASSERT_TRUE(same_bits(expected, product(context.get())));
      }
    });
  }
  for (std::thread& owner : owners) owner.join();
}

TEST(Context, CreatedAndDestroyedAtOnce_JoinsItsThreads) {
  for (int i = 0; i < 50; ++i) ASSERT_NE(make_context(MK_BACKEND_AUTO, 1 + i % 4), nullptr);
}

TEST(Context, Idle_UsesNoProcessorTime) {
  const Context context = make_context(MK_BACKEND_AUTO, 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // past the spin
  timespec before, after;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double used_ms = static_cast<double>(after.tv_sec - before.tv_sec) * 1e3 +
                         static_cast<double>(after.tv_nsec - before.tv_nsec) * 1e-6;
  EXPECT_LT(used_ms, 20.0);
}

TEST(Recordings, CpuContexts_HaveNone) {
  EXPECT_EQ(mk_record_begin(reference(), nullptr), MK_UNSUPPORTED);
  mk_graph* graph = nullptr;
  EXPECT_EQ(mk_record_end(reference(), nullptr, &graph), MK_UNSUPPORTED);
  EXPECT_EQ(mk_graph_run(reference(), nullptr, nullptr), MK_UNSUPPORTED);
  mk_graph_free(nullptr);
}

class Device : public FastBackend {};
INSTANTIATE_TEST_SUITE_P(Backends, Device, ::testing::Values(MK_BACKEND_CUDA), backend_name);

// A product of 300 rows and then a norm, on memory of the device.
struct TwoSteps {
  explicit TwoSteps(mk_context* context_) : context(context_) {
    const std::vector<float> matrix = Random(1).numbers(kWidth * kWidth);
    weight = pack(context, plain_matrix(matrix.data(), MK_F32, kWidth), kWidth, MK_BF16);
    void* address = nullptr;
    EXPECT_EQ(mk_allocate(context, 3 * kRows * kWidth * sizeof(float), &address), MK_OK);
    in = static_cast<float*>(address);
    middle = in + kRows * kWidth;
    out = middle + kRows * kWidth;
  }
  ~TwoSteps() { mk_free(context, in); }

  void enqueue(const float* scale) const {
    const mk_gemm_args product = {in, weight.get(), nullptr, nullptr, middle, kRows, kWidth, 0, kWidth};
    EXPECT_EQ(mk_gemm(context, nullptr, &product), MK_OK) << mk_last_error();
    const mk_rmsnorm_args norm = {middle, scale, out, kRows, 1, kWidth, kWidth, kWidth, 1e-6f};
    EXPECT_EQ(mk_rmsnorm(context, nullptr, &norm), MK_OK) << mk_last_error();
  }
  void give(const std::vector<float>& rows) const {
    EXPECT_EQ(mk_copy(context, nullptr, in, rows.data(), rows.size() * sizeof(float)), MK_OK);
    finish(context);
  }
  std::vector<float> result() const {
    std::vector<float> rows(static_cast<size_t>(kRows * kWidth));
    EXPECT_EQ(mk_copy(context, nullptr, rows.data(), out, rows.size() * sizeof(float)), MK_OK);
    finish(context);
    return rows;
  }

  static constexpr int32_t kRows = 300, kWidth = 256;
  mk_context* context;
  Weight weight;
  float *in, *middle, *out;
};

TEST_P(Device, Recording_GivesTheBitsOfItsOperations) {
  mk_context* context = contexts()[0].get();
  const TwoSteps steps(context);
  const std::vector<float> scale = Random(2).numbers(TwoSteps::kWidth);
  const std::vector<float> first = Random(3).numbers(TwoSteps::kRows * TwoSteps::kWidth),
                           second = Random(4).numbers(TwoSteps::kRows * TwoSteps::kWidth);
  steps.give(first);
  steps.enqueue(scale.data());
  const std::vector<float> expected = steps.result();
  mk_graph* graph = nullptr;
  ASSERT_EQ(mk_record_begin(context, nullptr), MK_OK) << mk_last_error();
  steps.enqueue(scale.data());
  ASSERT_EQ(mk_record_end(context, nullptr, &graph), MK_OK) << mk_last_error();
  steps.give(second);
  EXPECT_EQ(mk_graph_run(context, nullptr, graph), MK_OK) << mk_last_error();
  EXPECT_FALSE(same_bits(expected, steps.result()));
  steps.give(first);
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(mk_graph_run(context, nullptr, graph), MK_OK) << mk_last_error();
  EXPECT_TRUE(same_bits(expected, steps.result()));
  mk_graph_free(graph);
}

TEST_P(Device, IdOutsideItsTable_IsReportedByTheWaitAndThenForgotten) {
  mk_context* context = contexts()[0].get();
  const std::vector<float> table(40, 1.0f);
  std::vector<float> out(20);
  std::vector<int32_t> ids = {3, 10};
  const mk_embed_args args = {table.data(), ids.data(), out.data(), MK_F32, 10, 2, 4};
  ASSERT_EQ(mk_embed(context, nullptr, &args), MK_OK);
  EXPECT_EQ(mk_stream_wait(context, nullptr), MK_INVALID);
  EXPECT_NE(std::string(mk_last_error()).find("id"), std::string::npos) << mk_last_error();
  EXPECT_EQ(mk_stream_wait(context, nullptr), MK_OK);
}

TEST_P(Device, WeightOfAnotherContext_IsRefused) {
  mk_context* context = contexts()[0].get();
  const std::vector<float> data(64);
  const Weight weight = pack(reference(), plain_matrix(data.data(), MK_F32, 4), 8, MK_F32);
  std::vector<float> out(8);
  const mk_gemm_args args = {data.data(), weight.get(), nullptr, nullptr, out.data(), 2, 8, 0, 4};
  EXPECT_REFUSED(mk_gemm(context, nullptr, &args), "another context");
}

}  // namespace
}  // namespace mk::test

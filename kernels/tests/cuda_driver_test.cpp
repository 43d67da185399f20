// The launch and memory logic of the cuda backend over a driver that has no GPU but checks what it is told (fake_cuda/).
#include <dlfcn.h>
#include <unistd.h>

#include "fake_cuda/fake_cuda.h"
#include "harness.h"

namespace mk::test {
namespace {

template <typename Function>
Function find(const char* name) {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW);
  return driver == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(driver, name));
}

std::string faults() { return find<decltype(&fake_cuda_faults)>("fake_cuda_faults")(); }
std::string launches() { return find<decltype(&fake_cuda_launches)>("fake_cuda_launches")(); }
int allocations() { return find<decltype(&fake_cuda_allocations)>("fake_cuda_allocations")(); }
void set_capability(int major, int minor) {
  find<decltype(&fake_cuda_capability)>("fake_cuda_capability")(major, minor);
}
void set_limit(uint64_t bytes) { find<decltype(&fake_cuda_limit)>("fake_cuda_limit")(bytes); }

// Runs on Hopper's code and on that of all others.
class CudaDriver : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (find<void*>("fake_cuda_faults") == nullptr)
      GTEST_SKIP() << "Skipped: libcuda.so.1 is not the fake driver; ctest says where it is";
    set_capability(GetParam() / 10, GetParam() % 10);
    context_ = make_context(MK_BACKEND_CUDA);
    if (context_ == nullptr && std::string(mk_last_error()).find("device code is missing") != std::string::npos)
      GTEST_SKIP() << "Skipped: " << mk_last_error();
    ASSERT_NE(context_, nullptr) << mk_last_error();
    EXPECT_EQ(faults(), "");
    (void)launches();
  }
  void TearDown() override {
    if (context_ == nullptr) return;
    for (void* address : buffers_) mk_free(context(), address);
    context_.reset();
    EXPECT_EQ(faults(), "");
    EXPECT_EQ(allocations(), 0);
  }

  mk_context* context() { return context_.get(); }

  template <typename T>
  T* device(int64_t count) {
    void* address = nullptr;
    EXPECT_EQ(mk_allocate(context(), static_cast<uint64_t>(count) * sizeof(T), &address), MK_OK) << mk_last_error();
    buffers_.push_back(address);
    return static_cast<T*>(address);
  }

  void free_last() {
    mk_free(context(), buffers_.back());
    buffers_.pop_back();
  }

  Weight weight(int32_t features, int32_t columns, int32_t dtype = MK_BF16) {
    const std::vector<float> values(static_cast<size_t>(features) * static_cast<size_t>(columns));
    return pack(context(), plain_matrix(values.data(), MK_F32, features), columns, dtype);
  }

  void expect_gemm(const mk_weight* weight, int32_t rows, int32_t features, int32_t columns,
                   const std::string& kernels) {
    const mk_gemm_args args = {device<float>(int64_t{rows} * columns),
                               weight,
                               nullptr,
                               nullptr,
                               device<float>(int64_t{rows} * features),
                               rows,
                               columns,
                               0,
                               features};
    EXPECT_EQ(mk_gemm(context(), nullptr, &args), MK_OK) << mk_last_error();
    EXPECT_EQ(launches(), kernels) << rows << " rows";
    EXPECT_EQ(faults(), "");
  }

 private:
  Context context_;
  std::vector<void*> buffers_;
};
INSTANTIATE_TEST_SUITE_P(Capabilities, CudaDriver, ::testing::Values(90, 80, 89, 100),
                         [](const auto& info) { return "sm_" + std::to_string(info.param); });

TEST_P(CudaDriver, Context_SaysWhatItIs) {
  EXPECT_STREQ(mk_context_backend(context()), "cuda");
  EXPECT_NE(std::string(mk_context_numerics(context())).find("Fake GPU " + std::to_string(GetParam() / 10) + "."),
            std::string::npos);
  EXPECT_EQ(mk_stream_wait(context(), nullptr), MK_OK);
}

TEST_P(CudaDriver, Copies_GoBothWays) {
  const std::vector<float> values = Random(1).numbers(1000);
  float* const there = device<float>(1000);
  std::vector<float> back(1000, 7.0f);
  EXPECT_EQ(mk_copy(context(), nullptr, back.data(), there, 4000), MK_OK);
  EXPECT_EQ(back, std::vector<float>(1000, 0.0f));
  EXPECT_EQ(mk_copy(context(), nullptr, there, values.data(), 4000), MK_OK);
  EXPECT_EQ(mk_copy(context(), nullptr, back.data(), there, 4000), MK_OK);
  EXPECT_TRUE(same_bits(values, back));
  EXPECT_EQ(mk_copy(context(), nullptr, there, values.data(), 4001), MK_INTERNAL);
  EXPECT_NE(faults(), "");
}

TEST_P(CudaDriver, MemoryOfTwoProcesses_IsOne_AndIsGivenBack) {
  const Context other = make_context(MK_BACKEND_CUDA);
  void *here = nullptr, *there = nullptr;
  ASSERT_EQ(mk_exportable_allocate(context(), 5000, &here), MK_OK) << mk_last_error();
  int32_t file = -1;
  ASSERT_EQ(mk_exportable_open(context(), here, &file), MK_OK) << mk_last_error();
  ASSERT_EQ(mk_exportable_map(other.get(), file, 5000, &there), MK_OK) << mk_last_error();
  close(file);
  EXPECT_NE(here, there);
  std::vector<float> values = Random(2).numbers(1250), back(1250, 7.0f);
  EXPECT_EQ(mk_copy(other.get(), nullptr, back.data(), there, 5000), MK_OK);
  EXPECT_EQ(back, std::vector<float>(1250, 0.0f));
  EXPECT_EQ(mk_copy(context(), nullptr, here, values.data(), 5000), MK_OK);
  mk_exportable_free(context(), here);
  EXPECT_EQ(mk_copy(other.get(), nullptr, back.data(), there, 5000), MK_OK);
  EXPECT_TRUE(same_bits(values, back));
  mk_exportable_free(other.get(), there);
  EXPECT_EQ(faults(), "");
  EXPECT_EQ(mk_copy(other.get(), nullptr, back.data(), there, 5000), MK_INTERNAL) << "it is unmapped";
  EXPECT_NE(faults(), "");
}

TEST_P(CudaDriver, MemoryOfNoOtherGpu_IsRefused_AndNothingIsLeft) {
  const int before = allocations();
  void* there = nullptr;
  EXPECT_EQ(mk_exportable_map(context(), 0, 5000, &there), MK_INVALID);
  EXPECT_EQ(mk_exportable_map(context(), -1, 5000, &there), MK_INVALID);
  void* here = nullptr;
  ASSERT_EQ(mk_exportable_allocate(context(), 5000, &here), MK_OK) << mk_last_error();
  int32_t file = -1;
  ASSERT_EQ(mk_exportable_open(context(), here, &file), MK_OK);
  EXPECT_NE(mk_exportable_map(context(), file, 5'000'000, &there), MK_OK) << "more than there is";
  EXPECT_EQ(mk_exportable_open(context(), static_cast<char*>(here) + 1, &file), MK_INVALID);
  mk_exportable_free(context(), here);
  set_limit(1000);
  EXPECT_EQ(mk_exportable_allocate(context(), 5000, &here), MK_NO_MEMORY);
  set_limit(UINT64_MAX);
  EXPECT_EQ(allocations(), before);
}

TEST_P(CudaDriver, Products_StartTheKernelsOfTheirShape) {
  const Weight few = weight(200, 1000), many = weight(40000, 64), plain = weight(30, 70, MK_F32);
  expect_gemm(few.get(), 1, 200, 1000, "mk_gather_kernel mk_gemm_kernel");
  expect_gemm(few.get(), 40, 200, 1000, "mk_gather_kernel mk_gemm_kernel mk_gemm_sum_kernel");
  expect_gemm(few.get(), 3000, 200, 1000, "mk_gather_kernel mk_gemm_kernel");
  expect_gemm(many.get(), 40, 40000, 64, "mk_gather_kernel mk_gemm_kernel");
  expect_gemm(plain.get(), 9, 30, 70, "mk_gemm_plain_kernel");
  expect_gemm(few.get(), 0, 200, 1000, "");
}

TEST_P(CudaDriver, GroupedFfn_TakesOffsetsOfTheDevice) {
  const std::vector<float> gate(96 * 160), down(160 * 96), bias(160);
  std::vector<mk_expert_matrices> sources(5, plain_expert(gate.data(), gate.data(), down.data(), 160, 96));
  for (mk_expert_matrices& source : sources) source.gate_bias = source.up_bias = source.down_bias = bias.data();
  const mk_experts_shape shape = {5, 160, 96, MK_BF16, MK_SWIGLU, 0, 0};
  mk_experts* experts = nullptr;
  ASSERT_EQ(mk_experts_pack(context(), &shape, sources.data(), &experts), MK_OK) << mk_last_error();
  for (int32_t pairs : {1, 7, 500}) {
    const mk_grouped_ffn_args args = {
        experts, device<int32_t>(6), device<const float*>(pairs), device<float*>(pairs), pairs, 0};
    EXPECT_EQ(mk_grouped_ffn(context(), nullptr, &args), MK_OK) << mk_last_error();
    EXPECT_EQ(launches(), "mk_ffn_plan_kernel mk_gather_kernel mk_ffn_gate_up_kernel mk_ffn_down_kernel");
  }
  mk_experts_free(experts);
  EXPECT_EQ(faults(), "");
}

TEST_P(CudaDriver, Attention_CutsLongContextsAndManyRows) {
  const auto attend = [this](int32_t rows, int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t table,
                             int32_t dtype) {
    mk_paged_attention_args args = {};
    args.queries = device<float>(int64_t{rows} * heads * head_dim);
    args.out = device<float>(int64_t{rows} * heads * head_dim);
    args.cache = device<char>(static_cast<int64_t>(mk_kv_block_bytes(kv_heads, head_dim, 0, dtype)) * 4);
    args.block_tables = device<int32_t>(table);
    args.sequence_of_row = device<int32_t>(rows);
    args.positions = device<int32_t>(rows);
    args.rows = rows;
    args.query_stride = args.out_stride = heads * head_dim;
    args.heads = heads;
    args.kv_heads = kv_heads;
    args.head_dim = args.value_dim = head_dim;
    args.kv_dtype = dtype;
    args.block_count = 4;
    args.sequences = 1;
    args.block_table_stride = table;
    args.scale = 1;
    EXPECT_EQ(mk_paged_attention(context(), nullptr, &args), MK_OK) << mk_last_error();
    EXPECT_EQ(faults(), "");
    return launches();
  };
  EXPECT_EQ(attend(3, 8, 2, 64, 4, MK_BF16), "mk_attention_64_kernel");
  EXPECT_EQ(attend(3, 8, 2, 128, 400, MK_BF16), "mk_attention_128_kernel mk_attention_sum_kernel");
  EXPECT_EQ(attend(3, 8, 2, 128, 400, MK_F32), "mk_attention_plain_kernel");
  EXPECT_EQ(attend(3, 8, 2, 96, 4, MK_BF16), "mk_attention_plain_kernel");
  EXPECT_EQ(attend(3, 34, 2, 64, 4, MK_BF16), "mk_attention_plain_kernel");
  // Parts of so many rows would take more scratch than is allowed: two turns or more.
  EXPECT_GT(attend(200, 32, 4, 128, 8192, MK_BF16).size(),
            std::string("mk_attention_128_kernel mk_attention_sum_kernel").size());
}

TEST_P(CudaDriver, SmallOperations_StartOneKernel) {
  const mk_embed_args embed = {device<float>(100), device<int32_t>(3), device<float>(30), MK_F32, 10, 3, 10};
  EXPECT_EQ(mk_embed(context(), nullptr, &embed), MK_OK);
  const mk_rmsnorm_args norm = {device<float>(60), device<float>(10), device<float>(60), 3, 2, 10, 20, 20, 1e-6f};
  EXPECT_EQ(mk_rmsnorm(context(), nullptr, &norm), MK_OK);
  mk_gate_topk_args gate = {device<float>(3 * 4096),
                            nullptr,
                            device<int32_t>(24),
                            device<float>(24),
                            3,
                            4096,
                            8,
                            MK_ROUTER_SOFTMAX,
                            1,
                            1,
                            1,
                            1,
                            0};
  EXPECT_EQ(mk_gate_topk(context(), nullptr, &gate), MK_OK) << mk_last_error();
  const mk_log_sum_exp_args sums = {
      device<float>(3 * 20000), device<float>(3), device<double>(3), device<int32_t>(3), 3, 20000, 20000, 0};
  EXPECT_EQ(mk_log_sum_exp(context(), nullptr, &sums), MK_OK);
  EXPECT_EQ(launches(),
            "mk_embed_kernel mk_rmsnorm_kernel mk_gate_topk_kernel mk_log_sum_exp_kernel mk_log_sum_exp_end_kernel");
  EXPECT_EQ(faults(), "");
}

TEST_P(CudaDriver, FreedMemory_IsNoticed) {
  float* const rows = device<float>(64);
  free_last();
  const mk_clamp_args args = {rows, 1, 64, 64, 1.0f};
  EXPECT_EQ(mk_clamp(context(), nullptr, &args), MK_INTERNAL);
  EXPECT_NE(faults().find("mk_clamp_kernel: argument 0 points to memory that is not allocated"), std::string::npos);
}

TEST_P(CudaDriver, MemoryRunsOut_AndTheContextGoesOn) {
  set_limit(1 << 20);
  void* address = nullptr;
  EXPECT_EQ(mk_allocate(context(), 2 << 20, &address), MK_NO_MEMORY);
  EXPECT_NE(std::string(mk_last_error()).find("OUT_OF_MEMORY"), std::string::npos);
  const std::vector<float> values(1024 * 1024);
  const mk_matrix source = plain_matrix(values.data(), MK_F32, 1024);
  mk_weight* weight = nullptr;
  EXPECT_EQ(mk_weight_pack(context(), &source, 1, 1024, MK_BF16, &weight), MK_NO_MEMORY);
  set_limit(UINT64_MAX);
  EXPECT_NE(device<float>(1 << 20), nullptr);
}

TEST_P(CudaDriver, Recording_NeedsItsScratchBeforehand) {
  const Weight matrix = weight(200, 1000);
  const mk_gemm_args args = {
      device<float>(40000), matrix.get(), nullptr, nullptr, device<float>(8000), 40, 1000, 0, 200};
  mk_graph* graph = nullptr;
  ASSERT_EQ(mk_record_begin(context(), nullptr), MK_OK);
  EXPECT_REFUSED(mk_gemm(context(), nullptr, &args), "call it once before recording");
  EXPECT_EQ(mk_record_end(context(), nullptr, &graph), MK_OK);
  mk_graph_free(graph);
  EXPECT_EQ(mk_gemm(context(), nullptr, &args), MK_OK);
  ASSERT_EQ(mk_record_begin(context(), nullptr), MK_OK);
  EXPECT_EQ(mk_gemm(context(), nullptr, &args), MK_OK);
  EXPECT_EQ(mk_record_end(context(), nullptr, &graph), MK_OK);
  (void)launches();
  EXPECT_EQ(mk_graph_run(context(), nullptr, graph), MK_OK);
  EXPECT_EQ(launches(), "graph:3");
  EXPECT_REFUSED(mk_record_end(context(), nullptr, &graph), "not recording");
  mk_graph_free(graph);
  EXPECT_EQ(faults(), "");
}

TEST_P(CudaDriver, WhatAGpuLacks_IsRefusedByName) {
  const std::vector<float> values(64);
  const mk_matrix source = plain_matrix(values.data(), MK_F32, 8);
  mk_weight* weight = nullptr;
  for (int32_t dtype : {MK_INT8, MK_INT4}) {
    EXPECT_EQ(mk_weight_pack(context(), &source, 1, 8, dtype, &weight), MK_UNSUPPORTED);
    EXPECT_NE(std::string(mk_last_error()).find("BF16 or F32"), std::string::npos) << mk_last_error();
  }
}

TEST(CudaDriverChoice, OldAndMissingGpus_AreRefusedBySentence) {
  if (find<void*>("fake_cuda_faults") == nullptr)
    GTEST_SKIP() << "Skipped: libcuda.so.1 is not the fake driver; ctest says where it is";
  set_capability(7, 5);
  EXPECT_EQ(make_context(MK_BACKEND_CUDA), nullptr);
  EXPECT_NE(std::string(mk_last_error()).find("7.5; at least 8.0"), std::string::npos) << mk_last_error();
  mk_context_config config = {};
  config.struct_bytes = sizeof config;
  config.backend = MK_BACKEND_CUDA;
  config.device_index = 1;
  mk_context* context = nullptr;
  EXPECT_EQ(mk_context_create(&config, &context), MK_UNSUPPORTED);
  EXPECT_NE(std::string(mk_last_error()).find("has 1 GPUs"), std::string::npos) << mk_last_error();
}

}  // namespace
}  // namespace mk::test

// Times each operation of the cuda backend at the shapes of a Qwen3-30B-A3B node and writes one JSON object: time, bytes that must move and operations that must
// be done, from which compare.py makes shares of the card's floor. Also checks that a row's bits do not depend on its companions at these sizes.
//   gpu_roofline OUT.json
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "mk/mk.h"

namespace {

constexpr int32_t kHidden = 2048, kWidth = 768, kExperts = 64, kHeads = 32, kKvHeads = 4, kHeadDim = 128,
                  kVocabulary = 151936;
constexpr int32_t kSequences = 64, kContext = 4096;

void must(mk_status status) {
  if (status == MK_OK) return;
  std::fprintf(stderr, "gpu_roofline: %s\n", mk_last_error());
  std::exit(1);
}

mk_context* context = nullptr;

uint32_t random_state = 12345;
uint32_t random_bits() { return random_state = random_state * 1664525u + 1013904223u; }
float random_number() { return static_cast<float>(static_cast<int32_t>(random_bits())) * 0x1p-31f; }

std::vector<uint16_t> random_bf16(int64_t count) {
  std::vector<uint16_t> values(static_cast<size_t>(count));
  // Signs and mantissas at random, exponents of 1/64 .. 1/8.
  for (uint16_t& value : values) {
    const uint32_t bits = random_bits();
    value = static_cast<uint16_t>(((bits >> 31) << 15) | ((121u + (bits >> 8) % 4u) << 7) | ((bits >> 16) & 0x7fu));
  }
  return values;
}

std::vector<float> random_floats(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random_number();
  return values;
}

template <typename T>
T* to_device(const std::vector<T>& values) {
  void* address = nullptr;
  must(mk_allocate(context, values.size() * sizeof(T), &address));
  must(mk_copy(context, nullptr, address, values.data(), values.size() * sizeof(T)));
  must(mk_stream_wait(context, nullptr));
  return static_cast<T*>(address);
}

template <typename T>
std::vector<T> to_host(const T* address, size_t count) {
  std::vector<T> values(count);
  must(mk_copy(context, nullptr, values.data(), address, count * sizeof(T)));
  must(mk_stream_wait(context, nullptr));
  return values;
}

float* device_floats(int64_t count) { return to_device(std::vector<float>(static_cast<size_t>(count))); }

mk_matrix bf16_matrix(const std::vector<uint16_t>& values, int32_t rows) {
  mk_matrix matrix = {};
  matrix.data = values.data();
  matrix.data_dtype = MK_BF16;
  matrix.rows = rows;
  return matrix;
}

struct Row {
  std::string name;
  int32_t rows;
  double us, bytes, flops;
};
std::vector<Row> table;
std::vector<std::string> faults;

// The median of several runs of a recording of kCalls calls, so that no launch is counted.
double time_us(const std::function<void()>& call) {
  constexpr int kCalls = 20;
  for (int i = 0; i < 3; ++i) call();
  must(mk_stream_wait(context, nullptr));
  mk_graph* graph = nullptr;
  must(mk_record_begin(context, nullptr));
  for (int i = 0; i < kCalls; ++i) call();
  must(mk_record_end(context, nullptr, &graph));
  must(mk_graph_run(context, nullptr, graph));
  must(mk_stream_wait(context, nullptr));
  std::vector<double> runs;
  for (int run = 0; run < 7; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    must(mk_graph_run(context, nullptr, graph));
    must(mk_stream_wait(context, nullptr));
    runs.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() /
                   kCalls);
  }
  mk_graph_free(graph);
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

void add(const std::string& name, int32_t rows, double bytes, double flops, const std::function<void()>& call) {
  table.push_back({name, rows, time_us(call), bytes, flops});
  std::fprintf(stderr, "%-28s %6d rows %10.1f us %8.0f GB/s %8.1f TFLOP/s\n", name.c_str(), rows, table.back().us,
               bytes / table.back().us / 1e3, flops / table.back().us / 1e6);
}

void measure_copy() {
  constexpr uint64_t kBytes = uint64_t{2} << 30;
  void *from = nullptr, *to = nullptr;
  must(mk_allocate(context, kBytes, &from));
  must(mk_allocate(context, kBytes, &to));
  add("copy (read and write)", 0, 2.0 * kBytes, 0, [&] { must(mk_copy(context, nullptr, to, from, kBytes)); });
  mk_free(context, from);
  mk_free(context, to);
}

void measure_ffn() {
  const std::vector<uint16_t> gate = random_bf16(int64_t{kWidth} * kHidden * kExperts),
                              up = random_bf16(int64_t{kWidth} * kHidden * kExperts),
                              down = random_bf16(int64_t{kWidth} * kHidden * kExperts);
  std::vector<mk_expert_matrices> sources;
  for (int32_t e = 0; e < kExperts; ++e) {
    const size_t at = static_cast<size_t>(e) * kWidth * kHidden;
    mk_expert_matrices expert = {
        bf16_matrix(gate, kWidth), bf16_matrix(up, kWidth), bf16_matrix(down, kHidden), nullptr, nullptr, nullptr};
    expert.gate.data = gate.data() + at;
    expert.up.data = up.data() + at;
    expert.down.data = down.data() + at;
    sources.push_back(expert);
  }
  const mk_experts_shape shape = {kExperts, kHidden, kWidth, MK_BF16, MK_SWIGLU, 0, 0};
  mk_experts* experts = nullptr;
  must(mk_experts_pack(context, &shape, sources.data(), &experts));
  constexpr int32_t kMostRows = 32768;
  float* in = to_device(random_floats(int64_t{kMostRows} * kHidden));
  float* out = device_floats(int64_t{kMostRows} * kHidden);
  std::vector<float> first;
  for (int32_t rows : {64, 128, 256, 512, 1024, 2048, 4096, 32768}) {
    // Rows visit experts at random.
    std::vector<int32_t> counts(kExperts, 0);
    for (int32_t r = 1; r < rows; ++r) ++counts[random_bits() >> 26];
    ++counts[0];
    std::vector<int32_t> offsets = {0};
    int32_t touched = 0;
    for (int32_t count : counts) {
      offsets.push_back(offsets.back() + count);
      touched += count > 0;
    }
    std::vector<const float*> row_of_pair;
    std::vector<float*> out_of_pair;
    for (int32_t r = 0; r < rows; ++r) {
      row_of_pair.push_back(in + static_cast<int64_t>(r) * kHidden);
      out_of_pair.push_back(out + static_cast<int64_t>(r) * kHidden);
    }
    const mk_grouped_ffn_args args = {experts, to_device(offsets), to_device(row_of_pair), to_device(out_of_pair), rows,
                                      0};
    const double weights = 2.0 * 3 * kWidth * kHidden * touched, rows_bytes = 4.0 * 2 * rows * kHidden;
    add("grouped_ffn", rows, weights + rows_bytes, 2.0 * 3 * kWidth * kHidden * rows,
        [&] { must(mk_grouped_ffn(context, nullptr, &args)); });
    // Row 0 visits expert 0 in every call.
    const std::vector<float> row = to_host(out, kHidden);
    if (first.empty()) first = row;
    if (std::memcmp(first.data(), row.data(), kHidden * sizeof(float)) != 0)
      faults.push_back("grouped_ffn: row 0 differs at " + std::to_string(rows) + " rows");
  }
  mk_free(context, in);
  mk_free(context, out);
  mk_experts_free(experts);
}

void measure_gemm(const char* name, int32_t features, int32_t columns, std::vector<int32_t> row_counts) {
  const std::vector<uint16_t> values = random_bf16(int64_t{features} * columns);
  const mk_matrix matrix = bf16_matrix(values, features);
  mk_weight* weight = nullptr;
  must(mk_weight_pack(context, &matrix, 1, columns, MK_BF16, &weight));
  const int32_t most = *std::max_element(row_counts.begin(), row_counts.end());
  float* in = to_device(random_floats(int64_t{most} * columns));
  float* out = device_floats(int64_t{most} * features);
  std::vector<float> first;
  for (int32_t rows : row_counts) {
    const mk_gemm_args args = {in, weight, nullptr, nullptr, out, rows, columns, 0, features};
    add(name, rows, 2.0 * features * columns + 4.0 * rows * (features + columns), 2.0 * rows * features * columns,
        [&] { must(mk_gemm(context, nullptr, &args)); });
    const std::vector<float> row = to_host(out, static_cast<size_t>(features));
    if (first.empty()) first = row;
    if (std::memcmp(first.data(), row.data(), row.size() * sizeof(float)) != 0)
      faults.push_back(std::string(name) + ": row 0 differs at " + std::to_string(rows) + " rows");
  }
  mk_free(context, in);
  mk_free(context, out);
  mk_weight_free(weight);
}

void measure_attention() {
  constexpr int32_t kTable = kContext / MK_KV_BLOCK_TOKENS, kBlocks = kSequences * kTable;
  const uint64_t block_bytes = mk_kv_block_bytes(kKvHeads, kHeadDim, 0, MK_BF16);
  void* cache = nullptr;
  must(mk_allocate(context, block_bytes * kBlocks, &cache));
  const std::vector<uint16_t> values = random_bf16(static_cast<int64_t>(block_bytes / 2) * kTable);
  for (int32_t s = 0; s < kSequences; ++s)
    must(mk_copy(context, nullptr,
                 static_cast<char*>(cache) + block_bytes * static_cast<uint64_t>(kTable) * static_cast<uint64_t>(s),
                 values.data(), block_bytes * kTable));
  std::vector<int32_t> tables;
  for (int32_t i = 0; i < kBlocks; ++i) tables.push_back(i);
  for (int32_t i = kBlocks - 1; i > 0; --i)
    std::swap(tables[static_cast<size_t>(i)], tables[random_bits() % static_cast<uint32_t>(i + 1)]);
  std::vector<int32_t> sequence, positions(kSequences, kContext - 1);
  for (int32_t s = 0; s < kSequences; ++s) sequence.push_back(s);
  const int32_t width = kHeads * kHeadDim;
  float* out = device_floats(int64_t{kSequences} * width);
  mk_paged_attention_args args = {};
  args.queries = to_device(random_floats(int64_t{kSequences} * width));
  args.out = out;
  args.cache = cache;
  args.block_tables = to_device(tables);
  args.sequence_of_row = to_device(sequence);
  args.positions = to_device(positions);
  args.query_stride = args.out_stride = width;
  args.heads = kHeads;
  args.kv_heads = kKvHeads;
  args.head_dim = args.value_dim = kHeadDim;
  args.kv_dtype = MK_BF16;
  args.block_count = kBlocks;
  args.sequences = kSequences;
  args.block_table_stride = kTable;
  args.scale = 0.0883883f;
  std::vector<float> first;
  for (int32_t rows : {1, 16, 64}) {
    args.rows = rows;
    const double bytes = 2.0 * 2 * kKvHeads * kHeadDim * kContext * rows + 8.0 * rows * width;
    add("attention decode, 4K", rows, bytes, 4.0 * kHeads * kHeadDim * kContext * rows,
        [&] { must(mk_paged_attention(context, nullptr, &args)); });
    const std::vector<float> row = to_host(out, static_cast<size_t>(width));
    if (first.empty()) first = row;
    if (std::memcmp(first.data(), row.data(), row.size() * sizeof(float)) != 0)
      faults.push_back("attention: row 0 differs at " + std::to_string(rows) + " rows");
  }
  mk_free(context, cache);
}

void measure_small() {
  constexpr int32_t kRows = 64;
  float* rows = to_device(random_floats(int64_t{kRows} * kVocabulary));
  float* out = device_floats(int64_t{kRows} * kHidden);
  const float* weight = to_device(random_floats(kHidden));
  const mk_rmsnorm_args norm = {rows, weight, out, kRows, 1, kHidden, kHidden, kHidden, 1e-6f};
  add("rmsnorm", kRows, 8.0 * kRows * kHidden, 0, [&] { must(mk_rmsnorm(context, nullptr, &norm)); });
  mk_gate_topk_args gate = {};
  gate.logits = rows;
  gate.experts_out = to_device(std::vector<int32_t>(kRows * 8));
  gate.weights_out = device_floats(kRows * 8);
  gate.rows = kRows;
  gate.experts = 128;
  gate.top_k = 8;
  gate.normalize = gate.groups = gate.top_groups = 1;
  gate.scaling = 1;
  add("gate_topk, 128 experts", kRows, 4.0 * kRows * (128 + 16), 0,
      [&] { must(mk_gate_topk(context, nullptr, &gate)); });
  const mk_log_sum_exp_args sums = {rows,
                                    device_floats(kRows),
                                    to_device(std::vector<double>(kRows)),
                                    to_device(std::vector<int32_t>(kRows)),
                                    kRows,
                                    kVocabulary,
                                    kVocabulary,
                                    0};
  add("log_sum_exp", kRows, 4.0 * kRows * kVocabulary, 0, [&] { must(mk_log_sum_exp(context, nullptr, &sums)); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gpu_roofline OUT.json\n");
    return 2;
  }
  mk_context_config config = {};
  config.struct_bytes = sizeof config;
  config.backend = MK_BACKEND_CUDA;
  if (mk_context_create(&config, &context) != MK_OK) {
    std::fprintf(stderr, "gpu_roofline: skipped: %s\n", mk_last_error());
    return 3;
  }
  measure_copy();
  measure_small();
  measure_attention();
  measure_gemm("qkv projection", (kHeads + 2 * kKvHeads) * kHeadDim, kHidden, {1, 16, 64, 256, 4096});
  measure_gemm("output projection", kHidden, kHeads * kHeadDim, {64, 4096});
  measure_gemm("lm head", kVocabulary, kHidden, {64});
  measure_ffn();
  std::FILE* file = std::fopen(argv[1], "w");
  if (file == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  std::fprintf(file, "{\"numerics\":\"%s\",\"rows\":[", mk_context_numerics(context));
  for (size_t i = 0; i < table.size(); ++i)
    std::fprintf(file, "%s\n {\"name\":\"%s\",\"rows\":%d,\"us\":%.3f,\"bytes\":%.0f,\"flops\":%.0f}",
                 i == 0 ? "" : ",", table[i].name.c_str(), table[i].rows, table[i].us, table[i].bytes, table[i].flops);
  std::fprintf(file, "\n],\"faults\":%zu}\n", faults.size());
  std::fclose(file);
  for (const std::string& fault : faults) std::fprintf(stderr, "gpu_roofline: %s\n", fault.c_str());
  return faults.empty() ? 0 : 1;
}

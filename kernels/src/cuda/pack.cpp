// Tiles made on the host, by the context's threads, and copied to the GPU matrix by matrix.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "cuda/weights.h"
#include "error.h"
#include "numbers.h"
#include "source.h"

namespace mk::cuda {
namespace {

constexpr double kElementNs = 1.0;

int32_t blocks_of(int32_t count, int32_t size) { return (count + size - 1) / size; }

struct PackJob {
  const SourceRow* rows;  // of all features, padded to whole blocks
  char* out;
  int32_t columns;
  int32_t depth_blocks;
  std::atomic<int32_t>* defect;
};

// Items are rows of tiles: a feature of one depth block.
void pack_tile_rows(const void* data, int64_t begin, int64_t end) {
  const PackJob& job = *static_cast<const PackJob*>(data);
  float values[kTileDepth];
  for (int64_t item = begin; item < end; ++item) {
    const int64_t feature = item / job.depth_blocks;
    const int32_t block = static_cast<int32_t>(item % job.depth_blocks);
    const int32_t first = block * kTileDepth, length = std::min(kTileDepth, job.columns - first);
    std::fill_n(values, kTileDepth, 0.0f);
    const Defect found = read_values(job.rows[feature], first, length, values);
    if (found != Defect::kNone) job.defect->store(static_cast<int32_t>(found));
    const int64_t tile = feature / kTileFeatures * job.depth_blocks + block;
    const int32_t row = static_cast<int32_t>(feature % kTileFeatures);
    uint16_t* out = reinterpret_cast<uint16_t*>(job.out + tile * kTileBytes + row * kTileRowBytes);
    for (int32_t i = 0; i < kTileDepth; ++i) out[((i / 8) ^ (row & 7)) * 8 + i % 8] = bf16_of_float(values[i]);
  }
}

[[noreturn]] void refuse() { throw Error(MK_INVALID, "a code of the matrix, or one of its scales, is not a number"); }

// `rows` are padded to whole feature blocks.
void pack_tiles(Runtime& runtime, const std::vector<SourceRow>& rows, int32_t columns, char* out) {
  std::atomic<int32_t> defect = 0;
  const int32_t depth_blocks = blocks_of(columns, kTileDepth);
  const PackJob job = {rows.data(), out, columns, depth_blocks, &defect};
  const int64_t items = static_cast<int64_t>(rows.size()) * depth_blocks;
  parallel_for(runtime, items, static_cast<double>(items) * kTileDepth * kElementNs, pack_tile_rows, &job);
  if (defect.load() != 0) refuse();
}

void pad(std::vector<SourceRow>& rows) {
  rows.resize(static_cast<size_t>(blocks_of(static_cast<int32_t>(rows.size()), kTileFeatures)) * kTileFeatures);
}

uint64_t tile_bytes(int32_t features, int32_t columns) {
  return static_cast<uint64_t>(blocks_of(features, kTileFeatures)) *
         static_cast<uint64_t>(blocks_of(columns, kTileDepth)) * kTileBytes;
}

// Features of gate and up as the kernels take them: kGateRun of one, the same of the other.
std::vector<SourceRow> interleaved(const mk_matrix& gate, const mk_matrix& up) {
  std::vector<SourceRow> rows;
  const int32_t width = blocks_of(gate.rows, kTileFeatures / 2) * (kTileFeatures / 2);
  for (int32_t first = 0; first < width; first += kGateRun) {
    for (const mk_matrix* matrix : {&gate, &up}) {
      for (int32_t i = first; i < first + kGateRun; ++i)
        rows.push_back(i < matrix->rows ? SourceRow{matrix, i} : SourceRow{});
    }
  }
  return rows;
}

// Frees what it holds unless told to keep it.
class DeviceMemory {
 public:
  DeviceMemory(Device& device, uint64_t bytes) : device_(device), address_(device.allocate(bytes)) {}
  ~DeviceMemory() { device_.release(address_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  char* get() const { return static_cast<char*>(address_); }
  void* keep() {
    void* address = address_;
    address_ = nullptr;
    return address;
  }

 private:
  Device& device_;
  void* address_;
};

void upload(Device& device, void* to, const void* from, uint64_t bytes) {
  device.default_stream().copy(to, from, bytes);
  device.default_stream().wait();
}

std::vector<char> plain_rows(const std::vector<SourceRow>& rows, int32_t columns) {
  std::vector<char> bytes(rows.size() * static_cast<size_t>(columns) * sizeof(float));
  float* out = reinterpret_cast<float*>(bytes.data());
  for (const SourceRow& row : rows) {
    if (read_values(row, 0, columns, out) != Defect::kNone) refuse();
    out += columns;
  }
  return bytes;
}

}  // namespace

mk_weight* pack_weight(Device& device, Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns,
                       int32_t dtype) {
  if (dtype != MK_BF16 && dtype != MK_F32) throw Error(MK_UNSUPPORTED, "a GPU packs weights as BF16 or F32 only");
  std::vector<mk_matrix> sources;
  std::vector<SourceRow> rows;
  for (int32_t i = 0; i < count; ++i) sources.push_back(resolve_strides(matrices[i], columns));
  for (const mk_matrix& source : sources) {
    for (int32_t row = 0; row < source.rows; ++row) rows.push_back({&source, row});
  }
  const int32_t features = static_cast<int32_t>(rows.size());
  std::vector<char> host;
  if (dtype == MK_F32) {
    host = plain_rows(rows, columns);
  } else {
    pad(rows);
    host.resize(tile_bytes(features, columns));
    pack_tiles(runtime, rows, columns, host.data());
  }
  DeviceMemory memory(device, host.size());
  upload(device, memory.get(), host.data(), host.size());
  auto matrix = std::make_unique<Matrix>(Matrix{&device, memory.get(), dtype, columns, features,
                                                blocks_of(features, kTileFeatures), blocks_of(columns, kTileDepth)});
  auto weight = std::make_unique<mk_weight>();
  weight->matrix = {nullptr, 0, columns, 0, dtype};
  weight->rows = features;
  weight->bytes = host.size();
  (void)memory.keep();
  weight->on_device = matrix.release();
  return weight.release();
}

void free_matrix(Matrix* matrix) {
  matrix->device->enter();
  matrix->device->release(matrix->data);
  delete matrix;
}

mk_experts* pack_experts(Device& device, Runtime& runtime, const mk_experts_shape& shape,
                         const mk_expert_matrices* experts) {
  if (shape.dtype != MK_BF16) throw Error(MK_UNSUPPORTED, "a GPU packs experts as BF16 only");
  const uint64_t count = static_cast<uint64_t>(shape.count);
  const uint64_t gate_up_bytes =
      tile_bytes(2 * blocks_of(shape.width, kTileFeatures / 2) * (kTileFeatures / 2), shape.hidden);
  const uint64_t down_bytes = tile_bytes(shape.hidden, shape.width);
  const bool has_gate_up_bias = count > 0 && experts[0].gate_bias != nullptr;
  const bool has_down_bias = count > 0 && experts[0].down_bias != nullptr;
  const uint64_t width = static_cast<uint64_t>(shape.width), hidden = static_cast<uint64_t>(shape.hidden);
  const uint64_t tiles = count * (gate_up_bytes + down_bytes);
  const uint64_t bytes = tiles + (has_gate_up_bias ? count * 2 * width * sizeof(float) : 0) +
                         (has_down_bias ? count * hidden * sizeof(float) : 0);
  DeviceMemory memory(device, bytes);
  auto packed = std::make_unique<Experts>();
  *packed = {&device,
             memory.get(),
             memory.get(),
             memory.get() + count * gate_up_bytes,
             static_cast<int64_t>(gate_up_bytes),
             static_cast<int64_t>(down_bytes),
             nullptr,
             nullptr};
  float* next = reinterpret_cast<float*>(memory.get() + tiles);
  if (has_gate_up_bias) {
    packed->gate_up_bias = next;
    next += count * 2 * width;
  }
  if (has_down_bias) packed->down_bias = next;
  std::vector<char> host(std::max(gate_up_bytes, down_bytes));
  for (uint64_t e = 0; e < count; ++e) {
    const mk_matrix gate = resolve_strides(experts[e].gate, shape.hidden),
                    up = resolve_strides(experts[e].up, shape.hidden),
                    down = resolve_strides(experts[e].down, shape.width);
    pack_tiles(runtime, interleaved(gate, up), shape.hidden, host.data());
    upload(device, packed->gate_up + e * gate_up_bytes, host.data(), gate_up_bytes);
    std::vector<SourceRow> rows;
    for (int32_t row = 0; row < down.rows; ++row) rows.push_back({&down, row});
    pad(rows);
    pack_tiles(runtime, rows, shape.width, host.data());
    upload(device, packed->down + e * down_bytes, host.data(), down_bytes);
    if (has_gate_up_bias) {
      upload(device, packed->gate_up_bias + e * 2 * width, experts[e].gate_bias, width * sizeof(float));
      upload(device, packed->gate_up_bias + e * 2 * width + width, experts[e].up_bias, width * sizeof(float));
    }
    if (has_down_bias) upload(device, packed->down_bias + e * hidden, experts[e].down_bias, hidden * sizeof(float));
  }
  auto result = std::make_unique<mk_experts>(mk_experts{shape, bytes, nullptr, nullptr, nullptr});
  (void)memory.keep();
  result->on_device = packed.release();
  return result.release();
}

void free_experts(Experts* experts) {
  experts->device->enter();
  experts->device->release(experts->memory);
  delete experts;
}

}  // namespace mk::cuda

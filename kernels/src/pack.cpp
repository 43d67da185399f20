#include "pack.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "memory.h"
#include "numbers.h"

namespace mk {
namespace {

// One output feature of a panel; data is null beyond the matrix.
struct Feature {
  const void* data = nullptr;
  int32_t dtype = MK_F32;
};

struct Panel {
  void* out;
  Feature features[kPanelWidth];  // first half, then second half
};

struct PackJob {
  const Panel* panels;
  int32_t columns;
  int32_t dtype;
};

// Rows are read in short runs so that a source line is used whole while it is in the cache.
constexpr int32_t kRun = 32;

void pack_run(const Panel& panel, int32_t begin, int32_t length, int32_t dtype) {
  float run[kPanelWidth][kRun];
  for (int32_t j = 0; j < kPanelWidth; ++j) {
    const Feature& feature = panel.features[j];
    for (int32_t i = 0; i < length; ++i) {
      run[j][i] =
          feature.data == nullptr ? 0.0f : load_as_float(feature.data, static_cast<uint64_t>(begin + i), feature.dtype);
    }
  }
  for (int32_t i = 0; i < length; ++i) {
    const uint64_t line = static_cast<uint64_t>(begin + i) * kPanelWidth;
    if (dtype == MK_F32) {
      float* out = static_cast<float*>(panel.out) + line;
      for (int32_t j = 0; j < kPanelWidth; ++j) out[j] = run[j][i];
    } else {
      uint16_t* out = static_cast<uint16_t*>(panel.out) + line;
      for (int32_t j = 0; j < kPanelHalf; ++j) {
        out[2 * j] = bf16_of_float(run[j][i]);
        out[2 * j + 1] = bf16_of_float(run[kPanelHalf + j][i]);
      }
    }
  }
}

void pack_panels(const void* job_address, int64_t begin, int64_t end) {
  const PackJob& job = *static_cast<const PackJob*>(job_address);
  for (int64_t p = begin; p < end; ++p) {
    for (int32_t k = 0; k < job.columns; k += kRun) {
      pack_run(job.panels[p], k, std::min(kRun, job.columns - k), job.dtype);
    }
  }
}

Feature feature_of(const mk_matrix& matrix, int32_t row, int32_t columns) {
  const uint64_t offset = static_cast<uint64_t>(row) * static_cast<uint64_t>(columns) * dtype_bytes(matrix.data_dtype);
  return {static_cast<const char*>(matrix.data) + offset, matrix.data_dtype};
}

int32_t panels_of(int32_t features, int32_t per_panel) { return (features + per_panel - 1) / per_panel; }

PackedMatrix describe(void* data, int32_t columns, int32_t panels, int32_t dtype) {
  const uint64_t panel_bytes = static_cast<uint64_t>(columns) * kPanelWidth * dtype_bytes(dtype);
  return {data, panel_bytes, columns, panels, dtype};
}

uint64_t bytes_of(const PackedMatrix& matrix) { return matrix.panel_bytes * static_cast<uint64_t>(matrix.panels); }

void append_panels(const PackedMatrix& matrix, std::vector<Panel>& panels, const std::vector<Feature>& first,
                   const std::vector<Feature>& second) {
  for (int32_t p = 0; p < matrix.panels; ++p) {
    Panel panel;
    panel.out = static_cast<char*>(const_cast<void*>(matrix.data)) + matrix.panel_bytes * static_cast<uint64_t>(p);
    for (int32_t j = 0; j < kPanelHalf; ++j) {
      const size_t index = static_cast<size_t>(p) * kPanelHalf + static_cast<size_t>(j);
      if (index < first.size()) panel.features[j] = first[index];
      if (index < second.size()) panel.features[kPanelHalf + j] = second[index];
    }
    panels.push_back(panel);
  }
}

// A plain matrix fills its panels' halves in turn.
void split_halves(const std::vector<Feature>& features, std::vector<Feature>& first, std::vector<Feature>& second) {
  first.clear();
  second.clear();
  for (size_t i = 0; i < features.size(); ++i) (i / kPanelHalf % 2 == 0 ? first : second).push_back(features[i]);
}

std::vector<Feature> features_of(const mk_matrix& matrix, int32_t columns) {
  std::vector<Feature> features;
  features.reserve(static_cast<size_t>(matrix.rows));
  for (int32_t row = 0; row < matrix.rows; ++row) features.push_back(feature_of(matrix, row, columns));
  return features;
}

void run_pack(Runtime& runtime, const std::vector<Panel>& panels, int32_t columns, int32_t dtype) {
  const PackJob job = {panels.data(), columns, dtype};
  const double cost_ns = static_cast<double>(panels.size()) * columns * kPanelWidth;
  parallel_for(runtime, static_cast<int64_t>(panels.size()), cost_ns, pack_panels, &job);
}

}  // namespace

mk_weight* pack_weight(Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype) {
  std::vector<Feature> features, first, second;
  for (int32_t i = 0; i < count; ++i) {
    const std::vector<Feature> more = features_of(matrices[i], columns);
    features.insert(features.end(), more.begin(), more.end());
  }
  const int32_t rows = static_cast<int32_t>(features.size());
  PackedMatrix matrix = describe(nullptr, columns, panels_of(rows, kPanelWidth), dtype);
  auto weight = std::make_unique<mk_weight>();
  std::vector<Panel> panels;
  matrix.data = allocate_memory(bytes_of(matrix));
  std::unique_ptr<void, decltype(&free_memory)> memory(const_cast<void*>(matrix.data), &free_memory);
  split_halves(features, first, second);
  append_panels(matrix, panels, first, second);
  run_pack(runtime, panels, columns, dtype);
  *weight = {matrix, rows, bytes_of(matrix)};
  (void)memory.release();
  return weight.release();
}

void free_weight(mk_weight* weight) {
  if (weight == nullptr) return;
  free_memory(const_cast<void*>(weight->matrix.data));
  delete weight;
}

mk_experts* pack_experts(Runtime& runtime, const mk_expert_matrices* experts, int32_t count, int32_t hidden,
                         int32_t width, int32_t dtype) {
  const PackedMatrix gate_up = describe(nullptr, hidden, panels_of(width, kPanelHalf), dtype);
  const PackedMatrix down = describe(nullptr, width, panels_of(hidden, kPanelWidth), dtype);
  const uint64_t expert_bytes = bytes_of(gate_up) + bytes_of(down);

  auto gate_ups = std::make_unique<PackedMatrix[]>(static_cast<size_t>(count));
  auto downs = std::make_unique<PackedMatrix[]>(static_cast<size_t>(count));
  auto packed = std::make_unique<mk_experts>();
  std::unique_ptr<void, decltype(&free_memory)> memory(allocate_memory(expert_bytes * static_cast<uint64_t>(count)),
                                                       &free_memory);

  std::vector<Panel> gate_up_panels, down_panels;
  std::vector<Feature> first, second;
  for (int32_t i = 0; i < count; ++i) {
    char* at = static_cast<char*>(memory.get()) + expert_bytes * static_cast<uint64_t>(i);
    gate_ups[static_cast<size_t>(i)] = describe(at, hidden, gate_up.panels, dtype);
    downs[static_cast<size_t>(i)] = describe(at + bytes_of(gate_up), width, down.panels, dtype);
    append_panels(gate_ups[static_cast<size_t>(i)], gate_up_panels, features_of(experts[i].gate, hidden),
                  features_of(experts[i].up, hidden));
    split_halves(features_of(experts[i].down, width), first, second);
    append_panels(downs[static_cast<size_t>(i)], down_panels, first, second);
  }
  run_pack(runtime, gate_up_panels, hidden, dtype);
  run_pack(runtime, down_panels, width, dtype);
  *packed = {
      count,          hidden, width, expert_bytes * static_cast<uint64_t>(count), memory.release(), gate_ups.release(),
      downs.release()};
  return packed.release();
}

void free_experts(mk_experts* experts) {
  if (experts == nullptr) return;
  free_memory(experts->memory);
  delete[] experts->gate_up;
  delete[] experts->down;
  delete experts;
}

}  // namespace mk

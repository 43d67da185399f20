#include "pack.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda/weights.h"
#include "error.h"
#include "panel.h"
#include "weight_memory.h"

namespace mk {
namespace {

int32_t panels_of(int32_t features, int32_t per_panel) { return (features + per_panel - 1) / per_panel; }

PackedMatrix describe(int32_t columns, int32_t panels, int32_t dtype) {
  return {nullptr, panel_bytes_of(columns, dtype), columns, panels, dtype};
}

uint64_t bytes_of(const PackedMatrix& matrix) { return matrix.panel_bytes * static_cast<uint64_t>(matrix.panels); }

void append_panels(const PackedMatrix& matrix, std::vector<Panel>& panels, const std::vector<SourceRow>& first,
                   const std::vector<SourceRow>& second) {
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
void append_plain_panels(const PackedMatrix& matrix, std::vector<Panel>& panels,
                         const std::vector<SourceRow>& features) {
  std::vector<SourceRow> first, second;
  for (size_t i = 0; i < features.size(); ++i) (i / kPanelHalf % 2 == 0 ? first : second).push_back(features[i]);
  append_panels(matrix, panels, first, second);
}

// `matrix` stays where it is until the panels are packed.
std::vector<SourceRow> features_of(const mk_matrix& matrix) {
  std::vector<SourceRow> features;
  features.reserve(static_cast<size_t>(matrix.rows));
  for (int32_t row = 0; row < matrix.rows; ++row) features.push_back({&matrix, row});
  return features;
}

// Where the parts of every expert lie in its memory.
struct ExpertLayout {
  PackedMatrix gate_up;
  PackedMatrix down;
  uint64_t gate_up_bias_bytes;  // 0: no bias
  uint64_t down_bias_bytes;

  uint64_t bytes() const { return bytes_of(gate_up) + bytes_of(down) + gate_up_bias_bytes + down_bias_bytes; }
};

ExpertLayout layout_of(const mk_experts_shape& shape, bool has_gate_up_bias, bool has_down_bias) {
  const auto bias_bytes = [](const PackedMatrix& matrix) {
    return static_cast<uint64_t>(matrix.panels) * kPanelWidth * sizeof(float);
  };
  const PackedMatrix gate_up = describe(shape.hidden, panels_of(shape.width, kPanelHalf), shape.dtype);
  const PackedMatrix down = describe(shape.width, panels_of(shape.hidden, kPanelWidth), shape.dtype);
  return {gate_up, down, has_gate_up_bias ? bias_bytes(gate_up) : 0, has_down_bias ? bias_bytes(down) : 0};
}

// Where the parts of an expert lie, from where its memory begins.
PackedExpert expert_at(char* at, const ExpertLayout& layout) {
  PackedExpert expert = {layout.gate_up, layout.down, nullptr, nullptr};
  expert.gate_up.data = at;
  expert.down.data = at + bytes_of(layout.gate_up);
  const float* biases = reinterpret_cast<const float*>(at + bytes_of(layout.gate_up) + bytes_of(layout.down));
  if (layout.gate_up_bias_bytes != 0) expert.gate_up_bias = biases;
  if (layout.down_bias_bytes != 0) expert.down_bias = biases + layout.gate_up_bias_bytes / sizeof(float);
  return expert;
}

std::unique_ptr<WeightMemory> open_memory(int file, uint64_t bytes, uint64_t expected) {
  if (bytes != expected)
    throw Error(MK_INVALID,
                "bytes is " + std::to_string(bytes) + ", but such a weight has " + std::to_string(expected));
  return std::make_unique<WeightMemory>(file, bytes);
}

// Copies the biases of an expert to its memory, which is zeroed.
void copy_biases(const mk_experts_shape& shape, const mk_expert_matrices& from, const PackedExpert& expert) {
  if (expert.gate_up_bias != nullptr) {
    float* gate_up = const_cast<float*>(expert.gate_up_bias);
    for (int32_t i = 0; i < shape.width; ++i) {
      float* at = gate_up + i / kPanelHalf * kPanelWidth + i % kPanelHalf;
      at[0] = from.gate_bias[i];
      at[kPanelHalf] = from.up_bias[i];
    }
  }
  if (expert.down_bias != nullptr) std::copy_n(from.down_bias, shape.hidden, const_cast<float*>(expert.down_bias));
}

std::unique_ptr<PackedExpert[]> experts_in(const WeightMemory& memory, size_t count, const ExpertLayout& layout) {
  auto experts = std::make_unique<PackedExpert[]>(count);
  for (size_t i = 0; i < count; ++i)
    experts[i] = expert_at(static_cast<char*>(memory.get()) + layout.bytes() * i, layout);
  return experts;
}

mk_weight* weight_of(const PackedMatrix& matrix, int32_t rows, std::unique_ptr<WeightMemory> memory) {
  return new mk_weight{matrix, rows, bytes_of(matrix), memory.release(), nullptr};
}

mk_experts* experts_of(const mk_experts_shape& shape, uint64_t bytes, std::unique_ptr<WeightMemory> memory,
                       std::unique_ptr<PackedExpert[]> experts) {
  return new mk_experts{shape, bytes, memory.release(), experts.release(), nullptr};
}

}  // namespace

mk_weight* pack_weight(Runtime& runtime, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype) {
  std::vector<mk_matrix> sources;
  for (int32_t i = 0; i < count; ++i) sources.push_back(resolve_strides(matrices[i], columns));
  std::vector<SourceRow> features;
  for (const mk_matrix& source : sources) {
    const std::vector<SourceRow> more = features_of(source);
    features.insert(features.end(), more.begin(), more.end());
  }
  const int32_t rows = static_cast<int32_t>(features.size());
  PackedMatrix matrix = describe(columns, panels_of(rows, kPanelWidth), dtype);
  auto memory = std::make_unique<WeightMemory>(bytes_of(matrix));
  matrix.data = memory->get();
  std::vector<Panel> panels;
  append_plain_panels(matrix, panels, features);
  pack_panels(runtime, panels, columns, dtype);
  return weight_of(matrix, rows, std::move(memory));
}

void free_weight(mk_weight* weight) {
  if (weight == nullptr) return;
  if (weight->on_device != nullptr) cuda::free_matrix(weight->on_device);
  delete weight->memory;
  delete weight;
}

mk_experts* pack_experts(Runtime& runtime, const mk_experts_shape& shape, const mk_expert_matrices* experts) {
  const ExpertLayout layout = layout_of(shape, shape.count > 0 && experts[0].gate_bias != nullptr,
                                        shape.count > 0 && experts[0].down_bias != nullptr);
  const size_t count = static_cast<size_t>(shape.count);
  const uint64_t bytes = layout.bytes() * count;
  auto memory = std::make_unique<WeightMemory>(bytes);
  auto packed = experts_in(*memory, count, layout);
  auto sources = std::make_unique<mk_matrix[]>(3 * count);  // gate, up, down of each
  std::vector<Panel> gate_up_panels, down_panels;
  for (size_t i = 0; i < count; ++i) {
    copy_biases(shape, experts[i], packed[i]);

    mk_matrix* source = &sources[3 * i];
    source[0] = resolve_strides(experts[i].gate, shape.hidden);
    source[1] = resolve_strides(experts[i].up, shape.hidden);
    source[2] = resolve_strides(experts[i].down, shape.width);
    append_panels(packed[i].gate_up, gate_up_panels, features_of(source[0]), features_of(source[1]));
    append_plain_panels(packed[i].down, down_panels, features_of(source[2]));
  }
  pack_panels(runtime, gate_up_panels, shape.hidden, shape.dtype);
  pack_panels(runtime, down_panels, shape.width, shape.dtype);
  return experts_of(shape, bytes, std::move(memory), std::move(packed));
}

mk_weight* restore_weight(int32_t rows, int32_t columns, int32_t dtype, int file, uint64_t bytes) {
  PackedMatrix matrix = describe(columns, panels_of(rows, kPanelWidth), dtype);
  auto memory = open_memory(file, bytes, bytes_of(matrix));
  matrix.data = memory->get();
  return weight_of(matrix, rows, std::move(memory));
}

mk_experts* restore_experts(const mk_experts_shape& shape, bool has_gate_bias, bool has_down_bias, int file,
                            uint64_t bytes) {
  const ExpertLayout layout = layout_of(shape, has_gate_bias, has_down_bias);
  const size_t count = static_cast<size_t>(shape.count);
  auto memory = open_memory(file, bytes, layout.bytes() * count);
  auto packed = experts_in(*memory, count, layout);
  return experts_of(shape, bytes, std::move(memory), std::move(packed));
}

void free_experts(mk_experts* experts) {
  if (experts == nullptr) return;
  if (experts->on_device != nullptr) cuda::free_experts(experts->on_device);
  delete experts->memory;
  delete[] experts->experts;
  delete experts;
}

}  // namespace mk

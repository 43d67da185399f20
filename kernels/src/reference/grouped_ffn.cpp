// Each pair's row through its expert: down(activation(gate(row), up(row))).
#include "backend.h"
#include "scalar.h"

namespace mk::reference {
namespace {

float activate(const mk_experts_shape& shape, float gate, float up) {
  if (shape.activation == MK_SWIGLU) return silu_of(gate) * up;
  const float g = shape.limit < gate ? shape.limit : gate;
  const float least = shape.limit < up ? shape.limit : up;
  const float u = -shape.limit > least ? -shape.limit : least;
  return g / (1.0f + exp_of(-(shape.alpha * g))) * (u + 1.0f);
}

void apply(const mk_experts_shape& shape, const PackedExpert& expert, const float* in, float* middle, void* space,
           float* out) {
  const ProductRow row(expert.gate_up, in, space);
  for (int32_t i = 0; i < shape.width; ++i) {
    const int32_t panel = i / kPanelHalf, lane = i % kPanelHalf;
    float gate = product(expert.gate_up, panel, 0, lane, row);
    float up = product(expert.gate_up, panel, 1, lane, row);
    if (expert.gate_up_bias != nullptr) {
      const float* bias = expert.gate_up_bias + panel * kPanelWidth + lane;
      gate += bias[0];
      up += bias[kPanelHalf];
    }
    middle[i] = activate(shape, gate, up);
  }
  const ProductRow activated(expert.down, middle, space);
  for (int32_t i = 0; i < shape.hidden; ++i) {
    out[i] = product_plain(expert.down, i, activated);
    if (expert.down_bias != nullptr) out[i] += expert.down_bias[i];
  }
}

}  // namespace

mk_status grouped_ffn(Runtime& runtime, const mk_grouped_ffn_args& args) {
  const mk_experts& experts = *args.experts;
  if (args.pairs == 0) return MK_OK;
  const int64_t longest = experts.shape.width > experts.shape.hidden ? experts.shape.width : experts.shape.hidden;
  const uint64_t middle_bytes = (static_cast<uint64_t>(experts.shape.width) * sizeof(float) + 63) / 64 * 64;
  const uint64_t row_bytes = static_cast<uint64_t>(quantised_row_bytes(static_cast<int32_t>(longest)));
  float* middle = static_cast<float*>(scratch(runtime, middle_bytes + row_bytes));
  if (middle == nullptr) return MK_NO_MEMORY;
  void* space = reinterpret_cast<char*>(middle) + middle_bytes;
  for (int32_t expert = 0; expert < experts.shape.count; ++expert) {
    for (int32_t pair = args.offsets[expert]; pair < args.offsets[expert + 1]; ++pair)
      apply(experts.shape, experts.experts[expert], args.row_of_pair[pair], middle, space, args.out_of_pair[pair]);
  }
  return MK_OK;
}

}  // namespace mk::reference

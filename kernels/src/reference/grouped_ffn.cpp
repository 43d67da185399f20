// Each pair's row through its expert: down(silu(gate(row)) * up(row)).
#include "backend.h"
#include "scalar.h"

namespace mk::reference {

mk_status grouped_ffn(Runtime& runtime, const mk_grouped_ffn_args& args) {
  const mk_experts& experts = *args.experts;
  if (args.pairs == 0) return MK_OK;
  float* middle = static_cast<float*>(scratch(runtime, static_cast<uint64_t>(experts.width) * sizeof(float)));
  if (middle == nullptr) return MK_NO_MEMORY;
  for (int32_t expert = 0; expert < experts.count; ++expert) {
    for (int32_t pair = args.offsets[expert]; pair < args.offsets[expert + 1]; ++pair) {
      const float* row = args.row_of_pair[pair];
      for (int32_t i = 0; i < experts.width; ++i) {
        const float gate = dot(experts.gate_up[expert], i / kPanelHalf, 0, i % kPanelHalf, row);
        const float up = dot(experts.gate_up[expert], i / kPanelHalf, 1, i % kPanelHalf, row);
        middle[i] = silu_of(gate) * up;
      }
      for (int32_t i = 0; i < experts.hidden; ++i)
        args.out_of_pair[pair][i] = dot_plain(experts.down[expert], i, middle);
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

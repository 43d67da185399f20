// Token ids to hidden rows.
#include "backend.h"
#include "numbers.h"

namespace mk::MK_ISA {
namespace {

void widen_rows(const void* job, int64_t begin, int64_t end) {
  const mk_embed_args& args = *static_cast<const mk_embed_args*>(job);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t from = static_cast<int64_t>(args.ids[row]) * args.hidden;
    float* out = args.out + row * args.hidden;
    if (args.table_dtype == MK_F32) {
      std::memcpy(out, static_cast<const float*>(args.table) + from,
                  static_cast<uint64_t>(args.hidden) * sizeof(float));
    } else if (args.table_dtype == MK_BF16) {
      const uint16_t* in = static_cast<const uint16_t*>(args.table) + from;
      for (int32_t i = 0; i < args.hidden; ++i) out[i] = float_of_bf16(in[i]);
    } else {
      const uint16_t* in = static_cast<const uint16_t*>(args.table) + from;
      for (int32_t i = 0; i < args.hidden; ++i) out[i] = float_of_f16(in[i]);
    }
  }
}

}  // namespace

mk_status embed(Runtime& runtime, const mk_embed_args& args) {
  parallel_for(runtime, args.rows, 0.5 * args.rows * args.hidden, widen_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

#include "backend.h"

#include "cpu/pair_tile.h"
#include "error.h"

namespace mk {
namespace {

#define MK_ENTRY(operation, args_type) MK_BACKEND::operation,

#define MK_BACKEND reference
constexpr Backend kReference = {"reference", false, false, reference::quantise_group, MK_OPERATIONS(MK_ENTRY)};
#undef MK_BACKEND

#if defined(MK_HAS_CPU_BACKENDS)
#define MK_BACKEND avx2
constexpr Backend kAvx2 = {"avx2", false, false, avx2::quantise_group, MK_OPERATIONS(MK_ENTRY)};
#undef MK_BACKEND
#define MK_BACKEND avx512
constexpr Backend kAvx512 = {"avx512", false, false, avx512::quantise_group, MK_OPERATIONS(MK_ENTRY)};
constexpr Backend kAvx512Vnni = {"avx512vnni", true, false, avx512::quantise_group, MK_OPERATIONS(MK_ENTRY)};
constexpr Backend kAvx512Bf16 = {"avx512bf16", true, true, avx512::quantise_group, MK_OPERATIONS(MK_ENTRY)};
#undef MK_BACKEND

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool has_avx512_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

bool has_avx512_bf16() { return has_avx512_vnni() && __builtin_cpu_supports("avx512bf16"); }

// From where on AUTO takes pairs. The bits are the same either way, so that it need not be the same on every machine.
constexpr double kWorthwhileGain = 1.3;
#endif

}  // namespace

double pairs_gain() {
#if defined(MK_HAS_CPU_BACKENDS)
  static const double gain = avx512bf16::pairs_gain();
  return gain;
#else
  return 1.0;
#endif
}

const Backend& choose_backend(int32_t backend) {
  switch (backend) {
    case MK_BACKEND_AUTO:
#if defined(MK_HAS_CPU_BACKENDS)
      if (has_avx512_bf16() && pairs_gain() > kWorthwhileGain) return kAvx512Bf16;
      if (has_avx512_vnni()) return kAvx512Vnni;
      if (has_avx512()) return kAvx512;
      if (has_avx2()) return kAvx2;
#endif
      return kReference;
    case MK_BACKEND_REFERENCE:
      return kReference;
#if defined(MK_HAS_CPU_BACKENDS)
    case MK_BACKEND_AVX2:
      if (has_avx2()) return kAvx2;
      throw Error(MK_UNSUPPORTED, "this CPU lacks AVX2, FMA or F16C; choose the backend auto or reference");
    case MK_BACKEND_AVX512:
      if (has_avx512()) return kAvx512;
      throw Error(MK_UNSUPPORTED, "this CPU lacks AVX-512 F, BW, VL or DQ; choose the backend auto, avx2 or reference");
    case MK_BACKEND_AVX512_VNNI:
      if (has_avx512_vnni()) return kAvx512Vnni;
      throw Error(MK_UNSUPPORTED, "this CPU lacks AVX-512 VNNI; choose the backend auto, avx512, avx2 or reference");
    case MK_BACKEND_AVX512_BF16:
      if (has_avx512_bf16()) return kAvx512Bf16;
      throw Error(
          MK_UNSUPPORTED,
          "this CPU lacks AVX-512 BF16 or VNNI; choose the backend auto, avx512vnni, avx512, avx2 or reference");
#endif
    default:
      throw Error(MK_UNSUPPORTED,
                  "this build has no backend number " + std::to_string(backend) + "; choose the backend auto");
  }
}

}  // namespace mk

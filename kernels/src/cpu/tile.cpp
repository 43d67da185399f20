// The kernels of tile.h for every type of weights, by fused multiply-adds.
#include <pmmintrin.h>

#include "tile_kernels.h"

namespace mk::MK_ISA {
namespace {

template <int32_t kDtype>
void widen(const PackedMatrix& matrix, int32_t panel, int32_t begin, int32_t end, float* out) {
  using Type = Stored<kDtype>;
  constexpr int32_t kStep = scale_columns_of(kDtype);
  const char* data = panel_at(matrix, panel);
  for (int32_t from = begin; from < end; from += kStep) {
    const int32_t to = from + kStep < end ? from + kStep : end;
    const char* scale_line =
        data + scales_offset(matrix.columns, kDtype) + static_cast<int64_t>(from / kStep) * scale_line_bytes_of(kDtype);
    for (int u = 0; u < kUnitsPerPanel; ++u) {
      const Scales scales = Type::load_scales(scale_line + u * Type::kScaleBytes);
      float* at = out + static_cast<int64_t>(from - begin) * kPanelWidth + u * kLanes;
      for (int32_t k = from; k < to; ++k, at += kPanelWidth) {
        V low, high;
        const char* line = data + static_cast<int64_t>(k) * line_bytes_of(kDtype) + u * Type::kUnitBytes;
        prefetch(line + kNearBytes);
        Type::template load<0>(line, scales, low, high);
        store(at, low);
        store(at + kPanelHalf, high);
      }
    }
  }
}

// While it lives, this thread's arithmetic takes subnormal numbers for zero and makes none, as the instruction for pairs
// of bf16 always does. Nothing of what it is meant for may be inlined into its scope.
class WithoutSubnormals {
 public:
  WithoutSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON); }
  ~WithoutSubnormals() { _mm_setcsr(before_); }
  WithoutSubnormals(const WithoutSubnormals&) = delete;
  WithoutSubnormals& operator=(const WithoutSubnormals&) = delete;

 private:
  const uint32_t before_;
};

}  // namespace

void multiply_tile(const PackedMatrix& matrix, int32_t unit, int32_t units, const void* const* in, int32_t rows,
                   const Ahead& ahead, bool resume, float* sums) {
  switch (matrix.dtype) {
    case MK_F32:
      return multiply_exactly<kMostTileRows, Stored<MK_F32>>(matrix, unit, units, in, rows, ahead, resume, sums);
    case MK_BF16: {
      const WithoutSubnormals without;
      return multiply_exactly<kMostTileRows, Stored<MK_BF16>>(matrix, unit, units, in, rows, ahead, resume, sums);
    }
    case MK_F8_E4M3:
      return multiply_exactly<kMostTileRows, Stored<MK_F8_E4M3>>(matrix, unit, units, in, rows, ahead, resume, sums);
    default:
      return multiply_exactly<kMostTileRows, Stored<MK_MXFP4>>(matrix, unit, units, in, rows, ahead, resume, sums);
  }
}

void widen_panel(const PackedMatrix& matrix, int32_t panel, int32_t begin, int32_t end, float* out) {
  if (matrix.dtype == MK_F8_E4M3)
    widen<MK_F8_E4M3>(matrix, panel, begin, end, out);
  else
    widen<MK_MXFP4>(matrix, panel, begin, end, out);
}

}  // namespace mk::MK_ISA

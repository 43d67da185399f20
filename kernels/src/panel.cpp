#include "panel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "context.h"
#include "error.h"
#include "numbers.h"
#include "quantise.h"

namespace mk {
namespace {

struct PackJob {
  const Panel* panels;
  int32_t columns;
  int32_t dtype;
  QuantiseGroup quantise;
  std::atomic<Defect>* defect;
};

// Rows are read in short runs so that a source line is used whole while it is in the cache.
constexpr int32_t kRun = 32;
static_assert(kRun % line_columns_of(MK_BF16) == 0);

// Kernels fold 2^8 into the scales (see cpu/stored.h): it must not overflow.
constexpr float kF8ScaleLimit = 0x1p120f;

Defect worse(Defect a, Defect b) { return a == Defect::kNone ? b : a; }

// Of rows that are stored as bf16, the pairs are there already, with their halves exchanged. False: not so.
bool pack_stored_pairs(const Panel& panel, int32_t begin, int32_t length) {
  const uint16_t* rows[kPanelWidth];
  for (int32_t j = 0; j < kPanelWidth; ++j) {
    rows[j] = bf16_run(panel.features[j], begin);
    if (rows[j] == nullptr || length % 2 != 0) return false;
  }
  uint32_t* out = reinterpret_cast<uint32_t*>(panel.out) + static_cast<int64_t>(begin) / 2 * kPanelWidth;
  for (int32_t i = 0; i < length; i += 2, out += kPanelWidth) {
    for (int32_t j = 0; j < kPanelWidth; ++j) {
      uint32_t pair;
      std::memcpy(&pair, rows[j] + i, sizeof pair);
      out[j] = pair << 16 | pair >> 16;
    }
  }
  return true;
}

Defect pack_values(const Panel& panel, int32_t begin, int32_t length, int32_t dtype) {
  if (dtype == MK_BF16 && pack_stored_pairs(panel, begin, length)) return Defect::kNone;
  float run[kPanelWidth][kRun];
  Defect defect = Defect::kNone;
  for (int32_t j = 0; j < kPanelWidth; ++j)
    defect = worse(defect, read_values(panel.features[j], begin, length, run[j]));
  if (defect != Defect::kNone) return defect;
  if (dtype == MK_F32) {
    float* out = reinterpret_cast<float*>(panel.out) + static_cast<int64_t>(begin) * kPanelWidth;
    for (int32_t i = 0; i < length; ++i, out += kPanelWidth) {
      for (int32_t j = 0; j < kPanelWidth; ++j) out[j] = run[j][i];
    }
    return defect;
  }
  uint32_t* out = reinterpret_cast<uint32_t*>(panel.out) + static_cast<int64_t>(begin) / 2 * kPanelWidth;
  for (int32_t i = 0; i < length; i += 2, out += kPanelWidth) {
    for (int32_t j = 0; j < kPanelWidth; ++j) out[j] = bf16_pair_of(run[j][i], i + 1 < length ? run[j][i + 1] : 0.0f);
  }
  return defect;
}

Defect pack_codes(const Panel& panel, int32_t begin, int32_t length, int32_t dtype) {
  uint8_t run[kPanelWidth][kRun];
  Defect defect = Defect::kNone;
  for (int32_t j = 0; j < kPanelWidth; ++j)
    defect = worse(defect, read_codes(panel.features[j], begin, length, run[j]));
  if (defect != Defect::kNone) return defect;
  uint8_t* out = reinterpret_cast<uint8_t*>(panel.out) + static_cast<int64_t>(begin) * line_bytes_of(dtype);
  for (int32_t i = 0; i < length; ++i, out += line_bytes_of(dtype)) {
    for (int32_t j = 0; j < kPanelHalf; ++j) {
      const uint8_t first = run[j][i], second = run[kPanelHalf + j][i];
      if (dtype == MK_F8_E4M3) {
        out[2 * j] = first;
        out[2 * j + 1] = second;
      } else {
        out[j] = static_cast<uint8_t>(first | (second << 4));
      }
    }
  }
  return defect;
}

Defect pack_scales(const Panel& panel, int32_t columns, int32_t dtype) {
  char* out = panel.out + scales_offset(columns, dtype);
  Defect defect = Defect::kNone;
  for (int32_t k = 0; k < columns; k += scale_columns_of(dtype), out += scale_line_bytes_of(dtype)) {
    for (int32_t j = 0; j < kPanelWidth; ++j) {
      if (dtype == MK_F8_E4M3) {
        float& scale = reinterpret_cast<float*>(out)[j];
        defect = worse(defect, read_f8_scale(panel.features[j], k, &scale));
        if (std::abs(scale) >= kF8ScaleLimit) defect = worse(defect, Defect::kLargeScale);
      } else {
        defect = worse(defect, read_mxfp4_scale(panel.features[j], k, reinterpret_cast<uint8_t*>(out) + j));
      }
    }
  }
  return defect;
}

// A group of columns: 32 features' scales, then their codes in the order of packed.h.
Defect pack_group(const PackJob& job, const Panel& panel, int32_t group) {
  const int32_t columns = job.columns, dtype = job.dtype;
  const int32_t begin = group * kGroup;
  char* out = panel.out + static_cast<int64_t>(group) * group_bytes_of(dtype);
  uint16_t* scales = reinterpret_cast<uint16_t*>(out);
  uint8_t* bytes = reinterpret_cast<uint8_t*>(out + kGroupScaleBytes);
  Defect defect = Defect::kNone;
  for (int32_t j = 0; j < kPanelWidth; ++j) {
    float values[kGroup] = {};
    int8_t codes[kGroup];
    defect = worse(defect, read_values(panel.features[j], begin, std::min(kGroup, columns - begin), values));
    if (!job.quantise(dtype, values, codes, &scales[j])) return worse(defect, Defect::kValue);
    const int32_t half = j / kPanelHalf, lane = j % kPanelHalf;
    for (int32_t k = 0; k < kGroup; ++k) {
      if (dtype == MK_INT8) {
        bytes[(k / 4 * 2 + half) * 64 + lane * 4 + k % 4] = static_cast<uint8_t>(codes[k] + 128);
      } else {
        uint8_t& byte = bytes[(k / 8 * 2 + half) * 64 + lane * 4 + k % 4];
        const uint8_t code = static_cast<uint8_t>(codes[k] + 8);
        byte = k % 8 < 4 ? code : static_cast<uint8_t>(byte | (code << 4));
      }
    }
  }
  return defect;
}

void pack_some(const void* job_address, int64_t begin, int64_t end) {
  const PackJob& job = *static_cast<const PackJob*>(job_address);
  const bool scaled = scale_columns_of(job.dtype) != 0;
  Defect defect = Defect::kNone;
  for (int64_t p = begin; p < end; ++p) {
    const Panel& panel = job.panels[p];
    if (is_integer(job.dtype)) {
      for (int32_t group = 0; group * kGroup < job.columns; ++group)
        defect = worse(defect, pack_group(job, panel, group));
      continue;
    }
    for (int32_t k = 0; k < job.columns; k += kRun) {
      const int32_t length = std::min(kRun, job.columns - k);
      defect =
          worse(defect, scaled ? pack_codes(panel, k, length, job.dtype) : pack_values(panel, k, length, job.dtype));
    }
    if (scaled) defect = worse(defect, pack_scales(panel, job.columns, job.dtype));
  }
  if (defect != Defect::kNone) job.defect->store(defect, std::memory_order_relaxed);
}

void refuse(Defect defect) {
  switch (defect) {
    case Defect::kNone:
      return;
    case Defect::kCode:
      throw Error(MK_INVALID, "a weight is not a number (code 0x7f or 0xff of F8_E4M3)");
    case Defect::kValue:
      throw Error(MK_INVALID, "a weight is not a finite number: it cannot be quantised");
    case Defect::kScale:
      throw Error(MK_INVALID, "a scale is not a finite number");
    case Defect::kLargeScale:
      throw Error(MK_UNSUPPORTED, "a scale of F8_E4M3 is not below 2^120; pack the weight as F32");
  }
}

}  // namespace

uint64_t panel_bytes_of(int32_t columns, int32_t dtype) {
  constexpr uint64_t kLine = 64;
  if (is_integer(dtype))
    return static_cast<uint64_t>((columns + kGroup - 1) / kGroup) * static_cast<uint64_t>(group_bytes_of(dtype));
  uint64_t bytes = scales_offset(columns, dtype);
  if (const int32_t step = scale_columns_of(dtype); step != 0) {
    const int32_t scale_lines = (columns + step - 1) / step;
    bytes += static_cast<uint64_t>(scale_lines) * static_cast<uint64_t>(scale_line_bytes_of(dtype));
  }
  return (bytes + kLine - 1) / kLine * kLine;
}

void pack_panels(Runtime& runtime, const std::vector<Panel>& panels, int32_t columns, int32_t dtype) {
  std::atomic<Defect> defect = Defect::kNone;
  const PackJob job = {panels.data(), columns, dtype, runtime.backend().quantise_group, &defect};
  const double element_ns = dtype == MK_INT4 ? 4.0 : 1.0;
  const double cost_ns = static_cast<double>(panels.size()) * columns * kPanelWidth * element_ns;
  parallel_for(runtime, static_cast<int64_t>(panels.size()), cost_ns, pack_some, &job);
  refuse(defect.load(std::memory_order_relaxed));
}

}  // namespace mk

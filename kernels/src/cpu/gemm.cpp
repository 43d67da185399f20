// Rows times a packed weight: panels are divided among the threads, and rows too where there are few panels.
#include "backend.h"
#include "tile.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_args* args;
  int32_t panels_at_once;
  int32_t panel_chunks;
  int32_t rows_at_once;
};

struct RowAt {
  const mk_gemm_args& args;
  MK_INLINE_MEMBER const float* operator()(int32_t row) const {
    return args.in + static_cast<int64_t>(row) * args.in_stride;
  }
};

struct Finish {
  const mk_gemm_args& args;

  MK_INLINE_MEMBER void operator()(int32_t row, int32_t panel, int32_t lane, V first, V second) const {
    const int32_t feature = panel * kPanelWidth + lane;
    store_feature(row, feature, first);
    store_feature(row, feature + kPanelHalf, second);
  }

  MK_INLINE_MEMBER void store_feature(int32_t row, int32_t feature, V value) const {
    const int32_t count = args.weight->rows - feature;
    if (count <= 0) return;
    if (args.bias != nullptr) value = add(value, load_first(args.bias + feature, count));
    if (args.residual != nullptr) {
      value = add(value, load_first(args.residual + static_cast<int64_t>(row) * args.residual_stride + feature, count));
    }
    store_some(args.out + static_cast<int64_t>(row) * args.out_stride + feature, count, value);
  }
};

// An item is a chunk of panels for a block of rows.
void multiply(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_args& args = *job.args;
  const PackedMatrix& matrix = args.weight->matrix;
  for (int64_t item = begin; item < end; ++item) {
    const int32_t panel = static_cast<int32_t>(item % job.panel_chunks) * job.panels_at_once;
    const int32_t panel_end = panel + job.panels_at_once < matrix.panels ? panel + job.panels_at_once : matrix.panels;
    const int64_t row = item / job.panel_chunks * job.rows_at_once;
    const int64_t row_end = row + job.rows_at_once < args.rows ? row + job.rows_at_once : args.rows;
    multiply_rows(matrix, panel, panel_end, static_cast<int32_t>(row), static_cast<int32_t>(row_end), RowAt{args},
                  Finish{args});
  }
}

// Where panels alone do not occupy the threads, blocks of at least this many rows do.
constexpr int32_t kLeastRowBlock = 4 * kMostTileRows;

}  // namespace

mk_status gemm(Runtime& runtime, const mk_gemm_args& args) {
  if (args.rows == 0) return MK_OK;
  if (scale_columns_of(args.weight->matrix.dtype) != 0) return reference::gemm(runtime, args);
  const PackedMatrix& matrix = args.weight->matrix;
  const int32_t threads = thread_count(runtime);
  Job job = {&args, panels_at_once(matrix, threads), 0, args.rows};
  job.panel_chunks = (matrix.panels + job.panels_at_once - 1) / job.panels_at_once;
  int32_t row_blocks = 1;
  if (job.panel_chunks < 2 * threads && args.rows >= 2 * kLeastRowBlock) {
    row_blocks = args.rows / kLeastRowBlock;
    job.rows_at_once = (args.rows + row_blocks - 1) / row_blocks;
    row_blocks = (args.rows + job.rows_at_once - 1) / job.rows_at_once;
  }
  const int64_t items = static_cast<int64_t>(job.panel_chunks) * row_blocks;
  parallel_for_grain(runtime, items, 1, product_ns(matrix, args.rows), multiply, &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

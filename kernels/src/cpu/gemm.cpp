// Rows times a packed weight: panels are divided among the threads, and rows too where there are few panels.
#include "backend.h"
#include "tile.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_args* args;
  ProductCut cut;
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

void multiply_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_args& args = *job.args;
  for (int64_t item = begin; item < end; ++item)
    multiply_item(args.weight->matrix, job.cut, item, args.rows, RowAt{args}, Finish{args});
}

}  // namespace

mk_status gemm(Runtime& runtime, const mk_gemm_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weight->matrix;
  const Job job = {&args, cut_product(matrix, 1, args.rows, thread_count(runtime))};
  const int64_t items = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  parallel_for_grain(runtime, items, 1, product_ns(matrix, args.rows), multiply_items, &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

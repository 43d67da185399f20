// Rows times a packed weight: panels are divided among the threads, and rows too where there are few panels.
#include "backend.h"
#include "rows.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_args* args;
  ProductCut cut;
  Runtime* runtime;
  char* prepared;     // rows; null: as they are
  int64_t row_bytes;  // of a prepared row
};

struct RowAt {
  const Job& job;
  MK_INLINE_MEMBER const void* operator()(int32_t row) const {
    if (job.prepared != nullptr) return job.prepared + row * job.row_bytes;
    return job.args->in + static_cast<int64_t>(row) * job.args->in_stride;
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

void prepare_rows(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t row = begin; row < end; ++row)
    prepare_row(*job.runtime, job.args->weight->matrix, job.args->in + row * job.args->in_stride,
                job.prepared + row * job.row_bytes);
}

void multiply_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t item = begin; item < end; ++item)
    multiply_item(*job.runtime, job.args->weight->matrix, job.cut, item, job.args->rows, RowAt{job}, Finish{*job.args});
}

}  // namespace

mk_status gemm(Runtime& runtime, const mk_gemm_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weight->matrix;
  Job job = {&args, cut_product(matrix, 1, args.rows, thread_count(runtime)), &runtime, nullptr,
             prepared_row_bytes(runtime, matrix)};
  if (job.row_bytes > 0) {
    job.prepared = static_cast<char*>(scratch(runtime, static_cast<uint64_t>(job.row_bytes * args.rows)));
    if (job.prepared == nullptr) return MK_NO_MEMORY;
    parallel_for(runtime, args.rows, prepare_ns(matrix, args.rows), prepare_rows, &job);
  }
  const int64_t items = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  parallel_for_grain(runtime, items, 1, product_ns(matrix, args.rows), multiply_items, &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

// Rows times a packed weight: panels are divided among the threads, and rows too where there are few panels.
#include "backend.h"
#include "integer.h"
#include "tile.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_args* args;
  ProductCut cut;
  Runtime* runtime;
  char* quantised;    // rows, for integer weights
  int64_t row_bytes;  // of a quantised row
};

struct RowAt {
  const mk_gemm_args& args;
  MK_INLINE_MEMBER const float* operator()(int32_t row) const {
    return args.in + static_cast<int64_t>(row) * args.in_stride;
  }
};

struct QuantisedAt {
  const Job& job;
  MK_INLINE_MEMBER const void* operator()(int32_t row) const { return job.quantised + row * job.row_bytes; }
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

void quantise_rows(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t row = begin; row < end; ++row)
    quantise_row(job.args->in + row * job.args->in_stride, job.args->weight->matrix.columns,
                 job.quantised + row * job.row_bytes);
}

void multiply_integer_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_args& args = *job.args;
  for (int64_t item = begin; item < end; ++item)
    multiply_integer_item(*job.runtime, args.weight->matrix, job.cut, item, args.rows, QuantisedAt{job}, Finish{args});
}

mk_status integer_gemm(Runtime& runtime, Job& job, int64_t items) {
  const PackedMatrix& matrix = job.args->weight->matrix;
  job.row_bytes = quantised_row_bytes(matrix.columns);
  job.quantised = static_cast<char*>(
      scratch(runtime, static_cast<uint64_t>(job.row_bytes) * static_cast<uint64_t>(job.args->rows)));
  if (job.quantised == nullptr) return MK_NO_MEMORY;
  parallel_for(runtime, job.args->rows, quantise_ns(static_cast<int64_t>(job.args->rows) * matrix.columns),
               quantise_rows, &job);
  parallel_for_grain(runtime, items, 1, product_ns(matrix, job.args->rows), multiply_integer_items, &job);
  return MK_OK;
}

}  // namespace

mk_status gemm(Runtime& runtime, const mk_gemm_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weight->matrix;
  Job job = {&args, cut_product(matrix, 1, args.rows, thread_count(runtime)), &runtime, nullptr, 0};
  const int64_t items = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  if (is_integer(matrix.dtype)) return integer_gemm(runtime, job, items);
  parallel_for_grain(runtime, items, 1, product_ns(matrix, args.rows), multiply_items, &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

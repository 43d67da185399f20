// Each head of the rows times its own packed weight: heads are divided among the threads, and within a head panels and
// rows as in gemm.
#include "backend.h"
#include "integer.h"
#include "tile.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_heads_args* args;
  ProductCut cut;
  int64_t items_of_head;
  Runtime* runtime;
  char* quantised;    // [rows, heads], for integer weights
  int64_t row_bytes;  // of a quantised row of a head
};

struct RowAt {
  const mk_gemm_heads_args& args;
  int64_t head;
  MK_INLINE_MEMBER const float* operator()(int32_t row) const {
    return args.in + static_cast<int64_t>(row) * args.in_stride + head * args.in_head_stride;
  }
};

struct QuantisedAt {
  const Job& job;
  int64_t head;
  MK_INLINE_MEMBER const void* operator()(int32_t row) const {
    return job.quantised + (static_cast<int64_t>(row) * job.args->heads + head) * job.row_bytes;
  }
};

struct Finish {
  const mk_gemm_heads_args& args;
  int64_t head;
  MK_INLINE_MEMBER void operator()(int32_t row, int32_t panel, int32_t lane, V first, V second) const {
    float* out = args.out + static_cast<int64_t>(row) * args.out_stride + head * args.out_head_stride;
    store_halves(out, panel * kPanelWidth + lane, args.weights[head]->rows, first, second);
  }
};

void multiply_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_heads_args& args = *job.args;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t head = item / job.items_of_head;
    multiply_item(args.weights[head]->matrix, job.cut, item % job.items_of_head, args.rows, RowAt{args, head},
                  Finish{args, head});
  }
}

void quantise_rows(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_heads_args& args = *job.args;
  for (int64_t i = begin; i < end; ++i) {
    const float* in = args.in + i / args.heads * args.in_stride + i % args.heads * args.in_head_stride;
    quantise_row(in, args.weights[0]->matrix.columns, job.quantised + i * job.row_bytes);
  }
}

void multiply_integer_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_heads_args& args = *job.args;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t head = item / job.items_of_head;
    multiply_integer_item(*job.runtime, args.weights[head]->matrix, job.cut, item % job.items_of_head, args.rows,
                          QuantisedAt{job, head}, Finish{args, head});
  }
}

mk_status integer_gemm_heads(Runtime& runtime, Job& job) {
  const mk_gemm_heads_args& args = *job.args;
  const PackedMatrix& matrix = args.weights[0]->matrix;
  const int64_t count = static_cast<int64_t>(args.rows) * args.heads;
  job.row_bytes = quantised_row_bytes(matrix.columns);
  job.quantised = static_cast<char*>(scratch(runtime, static_cast<uint64_t>(job.row_bytes * count)));
  if (job.quantised == nullptr) return MK_NO_MEMORY;
  parallel_for(runtime, count, quantise_ns(count * matrix.columns), quantise_rows, &job);
  parallel_for(runtime, args.heads * job.items_of_head, args.heads * product_ns(matrix, args.rows),
               multiply_integer_items, &job);
  return MK_OK;
}

}  // namespace

mk_status gemm_heads(Runtime& runtime, const mk_gemm_heads_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weights[0]->matrix;
  Job job = {&args, cut_product(matrix, args.heads, args.rows, thread_count(runtime)), 0, &runtime, nullptr, 0};
  job.items_of_head = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  if (is_integer(matrix.dtype)) return integer_gemm_heads(runtime, job);
  parallel_for(runtime, args.heads * job.items_of_head, args.heads * product_ns(matrix, args.rows), multiply_items,
               &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

// Each head of the rows times its own packed weight: heads are divided among the threads, and within a head panels and
// rows as in gemm.
#include "backend.h"
#include "rows.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_heads_args* args;
  ProductCut cut;
  int64_t items_of_head;
  Runtime* runtime;
  char* prepared;     // [rows, heads]; null: as they are
  int64_t row_bytes;  // of a prepared row of a head
};

MK_INLINE const float* row_of(const mk_gemm_heads_args& args, int64_t row, int64_t head) {
  return args.in + row * args.in_stride + head * args.in_head_stride;
}

struct RowAt {
  const Job& job;
  int64_t head;
  MK_INLINE_MEMBER const void* operator()(int32_t row) const {
    if (job.prepared == nullptr) return row_of(*job.args, row, head);
    return job.prepared + (static_cast<int64_t>(row) * job.args->heads + head) * job.row_bytes;
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

void prepare_rows(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_heads_args& args = *job.args;
  for (int64_t i = begin; i < end; ++i)
    prepare_row(*job.runtime, args.weights[0]->matrix, row_of(args, i / args.heads, i % args.heads),
                job.prepared + i * job.row_bytes);
}

void multiply_items(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const mk_gemm_heads_args& args = *job.args;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t head = item / job.items_of_head;
    multiply_item(*job.runtime, args.weights[head]->matrix, job.cut, item % job.items_of_head, args.rows,
                  RowAt{job, head}, Finish{args, head});
  }
}

}  // namespace

mk_status gemm_heads(Runtime& runtime, const mk_gemm_heads_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weights[0]->matrix;
  Job job = {&args,   cut_product(matrix, args.heads, args.rows, thread_count(runtime)),
             0,       &runtime,
             nullptr, prepared_row_bytes(runtime, matrix)};
  job.items_of_head = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  if (job.row_bytes > 0) {
    const int64_t count = static_cast<int64_t>(args.rows) * args.heads;
    job.prepared = static_cast<char*>(scratch(runtime, static_cast<uint64_t>(job.row_bytes * count)));
    if (job.prepared == nullptr) return MK_NO_MEMORY;
    parallel_for(runtime, count, prepare_ns(matrix, count), prepare_rows, &job);
  }
  parallel_for(runtime, args.heads * job.items_of_head, args.heads * product_ns(matrix, args.rows), multiply_items,
               &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

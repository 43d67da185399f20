// Each head of the rows times its own packed weight: heads are divided among the threads, and within a head panels and
// rows as in gemm.
#include "backend.h"
#include "tile.h"

namespace mk::MK_ISA {
namespace {

struct Job {
  const mk_gemm_heads_args* args;
  ProductCut cut;
  int64_t items_of_head;
};

struct RowAt {
  const mk_gemm_heads_args& args;
  int64_t head;
  MK_INLINE_MEMBER const float* operator()(int32_t row) const {
    return args.in + static_cast<int64_t>(row) * args.in_stride + head * args.in_head_stride;
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

}  // namespace

mk_status gemm_heads(Runtime& runtime, const mk_gemm_heads_args& args) {
  if (args.rows == 0) return MK_OK;
  const PackedMatrix& matrix = args.weights[0]->matrix;
  Job job = {&args, cut_product(matrix, args.heads, args.rows, thread_count(runtime)), 0};
  job.items_of_head = static_cast<int64_t>(job.cut.panel_chunks) * job.cut.row_blocks;
  parallel_for(runtime, args.heads * job.items_of_head, args.heads * product_ns(matrix, args.rows), multiply_items,
               &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

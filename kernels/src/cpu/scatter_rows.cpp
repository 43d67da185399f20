// Rows to where they leave from.
#include <cstring>

#include "backend.h"

namespace mk::MK_ISA {
namespace {

void copy_rows(const void* job, int64_t begin, int64_t end) {
  const mk_scatter_rows_args& args = *static_cast<const mk_scatter_rows_args*>(job);
  for (int64_t row = begin; row < end; ++row) {
    const float* in = args.in + static_cast<int64_t>(args.row_index[row]) * args.in_stride;
    std::memcpy(args.out + row * args.hidden, in, static_cast<uint64_t>(args.hidden) * sizeof(float));
  }
}

}  // namespace

mk_status scatter_rows(Runtime& runtime, const mk_scatter_rows_args& args) {
  parallel_for(runtime, args.rows, 0.5 * args.rows * args.hidden, copy_rows, &args);
  return MK_OK;
}

}  // namespace mk::MK_ISA

// Rows to where they leave from.
#include "backend.h"

namespace mk::reference {

mk_status scatter_rows(Runtime&, const mk_scatter_rows_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* in = args.in + static_cast<int64_t>(args.row_index[row]) * args.in_stride;
    for (int32_t i = 0; i < args.hidden; ++i) args.out[row * args.hidden + i] = in[i];
  }
  return MK_OK;
}

}  // namespace mk::reference

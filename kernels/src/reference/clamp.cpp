// Elements to within a limit on either side of zero.
#include "backend.h"

namespace mk::reference {

mk_status clamp(Runtime&, const mk_clamp_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    float* data = args.rows_data + row * args.stride;
    for (int32_t i = 0; i < args.width; ++i) {
      if (data[i] < -args.limit) data[i] = -args.limit;
      if (data[i] > args.limit) data[i] = args.limit;
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

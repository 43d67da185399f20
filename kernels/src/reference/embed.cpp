// Token ids to hidden rows.
#include "backend.h"
#include "numbers.h"

namespace mk::reference {

mk_status embed(Runtime&, const mk_embed_args& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const uint64_t from = static_cast<uint64_t>(args.ids[row]) * static_cast<uint64_t>(args.hidden);
    for (int32_t i = 0; i < args.hidden; ++i) {
      args.out[row * args.hidden + i] = load_as_float(args.table, from + static_cast<uint64_t>(i), args.table_dtype);
    }
  }
  return MK_OK;
}

}  // namespace mk::reference

// Each head of the rows times its own packed weight.
#include "backend.h"

namespace mk::MK_ISA {

mk_status gemm_heads(Runtime& runtime, const mk_gemm_heads_args& args) { return reference::gemm_heads(runtime, args); }

}  // namespace mk::MK_ISA

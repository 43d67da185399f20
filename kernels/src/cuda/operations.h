// The operations of mk.h on a GPU: each enqueues on the stream. Shapes have been checked; elements are checked by the kernels, which report to the device's
// status word.
#pragma once

#include "backend.h"
#include "cuda/device.h"

namespace mk::cuda {

#define MK_DECLARE_ON_DEVICE(operation, args_type) void operation(Stream& stream, const args_type& args);
MK_OPERATIONS(MK_DECLARE_ON_DEVICE)
#undef MK_DECLARE_ON_DEVICE

}  // namespace mk::cuda

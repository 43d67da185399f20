// What a test asks the fake driver: found in libcuda.so.1 by name.
#pragma once

extern "C" {
// Everything that was wrong since the last call, a line each; "" if nothing was.
const char* fake_cuda_faults();
// Names of the kernels started since the last call, with spaces between.
const char* fake_cuda_launches();
// Device and pinned allocations that live.
int fake_cuda_allocations();
// The next contexts find a GPU of this compute capability.
void fake_cuda_capability(int major, int minor);
// Allocating more than so many bytes fails.
void fake_cuda_limit(unsigned long long bytes);
}

// All device code, one module for each architecture: MK_HOPPER for sm_90a, else for anything since sm_80.
#include "attention.cuh"
#include "elements.cuh"
#include "gate_topk.cuh"
#include "reductions.cuh"
#if defined(MK_HOPPER)
#include "gemm_hopper.cuh"
#else
#include "gemm.cuh"
#endif

// All device code, one module for each architecture.
#include "attention.cuh"
#include "elements.cuh"
#include "gate_topk.cuh"
#include "gemm.cuh"
#include "reductions.cuh"

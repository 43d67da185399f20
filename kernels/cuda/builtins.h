// What device code needs of CUDA, without NVIDIA's headers: so that clang alone compiles it, and nvcc too. Everything that is not plain C++ is PTX.
#pragma once

#include "mk/mk.h"

#ifndef __CUDACC_VER_MAJOR__  // nvcc brings these
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#endif

#define MK_DEVICE static __device__ __attribute__((always_inline)) inline
// What takes a thread's sums must not become a call: they would go through memory.
#define MK_INLINE_LAMBDA __attribute__((always_inline))
// A kernel's name is looked up in the module: no mangling.
#define MK_KERNEL extern "C" __global__ void

namespace mk::device {

constexpr int kWarp = 32;
constexpr int kWarpgroup = 128;

// To clang every asm of device code is something that lanes may do together, which keeps loops from being unrolled: what a lane does alone is its builtin.
#if defined(__clang__)
MK_DEVICE int thread_x() { return __nvvm_read_ptx_sreg_tid_x(); }
MK_DEVICE int block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
MK_DEVICE int block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
MK_DEVICE int block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
MK_DEVICE int threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
MK_DEVICE int blocks_x() { return __nvvm_read_ptx_sreg_nctaid_x(); }
MK_DEVICE float square_root(float value) { return __nvvm_sqrt_rn_f(value); }
MK_DEVICE float f16_to_float(uint16_t value) { return static_cast<float>(__builtin_bit_cast(_Float16, value)); }
// To nearest, ties to even; the first argument in the lower half.
MK_DEVICE uint32_t pack_bf16(float low, float high) {
  return __builtin_bit_cast(uint32_t, __nvvm_ff2bf16x2_rn(high, low));
}
#else
MK_DEVICE int thread_x() { return threadIdx.x; }
MK_DEVICE int block_x() { return blockIdx.x; }
MK_DEVICE int block_y() { return blockIdx.y; }
MK_DEVICE int block_z() { return blockIdx.z; }
MK_DEVICE int threads() { return blockDim.x; }
MK_DEVICE int blocks_x() { return gridDim.x; }
MK_DEVICE float square_root(float value) { return __fsqrt_rn(value); }
MK_DEVICE float f16_to_float(uint16_t value) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value));
  return wide;
}
MK_DEVICE uint32_t pack_bf16(float low, float high) {
  uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}
#endif

MK_DEVICE int lane_id() { return thread_x() % kWarp; }
MK_DEVICE int warp_id() { return thread_x() / kWarp; }

MK_DEVICE void sync_block() { asm volatile("bar.sync 0;" ::: "memory"); }
MK_DEVICE void sync_warp() { asm volatile("bar.warp.sync 0xffffffff;" ::: "memory"); }

MK_DEVICE float shuffle_xor(float value, int mask) {
  float other;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(other) : "f"(value), "r"(mask));
  return other;
}
MK_DEVICE int shuffle_xor(int value, int mask) {
  int other;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=r"(other) : "r"(value), "r"(mask));
  return other;
}
MK_DEVICE double shuffle_xor(double value, int mask) {
  union {
    double number;
    int halves[2];
  } from, to;
  from.number = value;
  to.halves[0] = shuffle_xor(from.halves[0], mask);
  to.halves[1] = shuffle_xor(from.halves[1], mask);
  return to.number;
}

// What another lane has.
MK_DEVICE int shuffle_index(int value, int lane) {
  int other;
  asm volatile("shfl.sync.idx.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=r"(other) : "r"(value), "r"(lane));
  return other;
}

// ---- numbers ----

MK_DEVICE float bits_to_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }
MK_DEVICE uint32_t float_to_bits(float value) { return __builtin_bit_cast(uint32_t, value); }
#if defined(__clang__)
MK_DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
MK_DEVICE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
MK_DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
MK_DEVICE double fused(double a, double b, double c) { return __fma_rn(a, b, c); }
#endif
MK_DEVICE float greater(float a, float b) { return a > b ? a : b; }
MK_DEVICE float infinity() { return bits_to_float(0x7f800000u); }

MK_DEVICE float bf16_to_float(uint16_t value) { return bits_to_float(static_cast<uint32_t>(value) << 16); }

MK_DEVICE uint16_t float_to_bf16(float value) { return static_cast<uint16_t>(pack_bf16(value, 0.0f)); }

struct Four {
  float values[4];
};
// 16 bytes, on 16.
MK_DEVICE Four load_four(const float* address) {
  Four four;
  asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(four.values[0]), "=f"(four.values[1]), "=f"(four.values[2]), "=f"(four.values[3])
               : "l"(address)
               : "memory");
  return four;
}
MK_DEVICE void store_four(void* address, const uint32_t (&words)[4]) {
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(words[0]), "r"(words[1]), "r"(words[2]),
               "r"(words[3])
               : "memory");
}

// From the cache that all multiprocessors share: what another block may have written meanwhile.
MK_DEVICE float load_shared_level(const float* address) {
  float value;
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(value) : "l"(address) : "memory");
  return value;
}

// An element of a stored array, as fp32.
MK_DEVICE float load_as_float(const void* data, int64_t index, int32_t dtype) {
  if (dtype == MK_F32) return static_cast<const float*>(data)[index];
  const uint16_t half = static_cast<const uint16_t*>(data)[index];
  return dtype == MK_BF16 ? bf16_to_float(half) : f16_to_float(half);
}

// ---- shared memory ----

MK_DEVICE uint32_t shared_address(const void* pointer) {
  uint64_t address;
  asm("cvta.to.shared.u64 %0, %1;" : "=l"(address) : "l"(pointer));
  return static_cast<uint32_t>(address);
}

// The block's dynamic shared memory.
MK_DEVICE char* dynamic_shared() {
  extern __shared__ __attribute__((aligned(1024))) char memory[];
  return memory;
}

// Four 8x8 matrices of 16-bit elements; each lane gives one row's address (lanes 8i .. 8i+7 those of matrix i).
MK_DEVICE void load_matrices(uint32_t (&out)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address)
               : "memory");
}
MK_DEVICE void load_matrices_transposed(uint32_t (&out)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address)
               : "memory");
}

// d += a (16 x 16, row-major) x b (16 x 8), bf16 factors, fp32 sums.
MK_DEVICE void multiply_add(float* d, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// ---- copies that run beside the threads ----

MK_DEVICE void copy_async_16(uint32_t shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared), "l"(global) : "memory");
}
MK_DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until all but the `kPending` latest groups of this thread have landed.
template <int kPending>
MK_DEVICE void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

#if defined(MK_HOPPER)
MK_DEVICE void barrier_init(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
// Makes barriers just initialised visible to the copy engine.
MK_DEVICE void barrier_init_fence() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// One arrival, and `bytes` more to land before the phase ends.
MK_DEVICE void barrier_expect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
MK_DEVICE void barrier_wait(uint32_t barrier, int parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra finished;\n"
      "bra again;\n"
      "finished:\n"
      "}" ::"r"(barrier),
      "r"(parity)
      : "memory");
}
// A run of whole 16 bytes, by the copy engine; it counts down `barrier`.
MK_DEVICE void copy_bulk(uint32_t shared, const void* global, int bytes, uint32_t barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(shared),
               "l"(global), "r"(bytes), "r"(barrier)
               : "memory");
}
#endif

// ---- kernels that follow one another ----
//
// On Hopper a kernel of a stream starts while the one before it ends. It touches nothing of others until after_previous() returns, by when all kernels before are
// done and seen; only then may the next one start, so that what lies two kernels back can be read before that call.

MK_DEVICE void after_previous() {
#if defined(MK_HOPPER)
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
MK_DEVICE void let_next_start() {
#if defined(MK_HOPPER)
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
MK_DEVICE void begin_kernel() {
  after_previous();
  let_next_start();
}

// ---- sums and maxima in a fixed order ----

template <typename Number>
MK_DEVICE Number warp_sum(Number value) {
#pragma unroll
  for (int mask = 16; mask > 0; mask /= 2) value = value + shuffle_xor(value, mask);
  return value;
}
MK_DEVICE float warp_max(float value) {
#pragma unroll
  for (int mask = 16; mask > 0; mask /= 2) value = greater(shuffle_xor(value, mask), value);
  return value;
}

// Over all threads of the block, which all get the result. `space` has room for one number a warp.
template <typename Number>
MK_DEVICE Number block_sum(Number value, Number* space) {
  value = warp_sum(value);
  sync_block();
  if (lane_id() == 0) space[warp_id()] = value;
  sync_block();
  Number sum = space[0];
  for (int i = 1; i < threads() / kWarp; ++i) sum = sum + space[i];
  return sum;
}
MK_DEVICE float block_max(float value, float* space) {
  value = warp_max(value);
  sync_block();
  if (lane_id() == 0) space[warp_id()] = value;
  sync_block();
  float most = space[0];
  for (int i = 1; i < threads() / kWarp; ++i) most = greater(space[i], most);
  return most;
}

// ---- the status word: what a kernel found wrong with its arguments; the host reads it when it waits ----

struct Status {
  uint32_t code;  // mk::cuda::DeviceFault
};

MK_DEVICE void report(Status* status, uint32_t code) {
  asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(&status->code), "r"(code) : "memory");
}

}  // namespace mk::device

// A GPU as a context has it: the driver's context, the kernels, streams with their scratch memory, and the word that kernels report faults in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/driver.h"
#include "cuda/shapes.h"
#include "mk/mk.h"

namespace mk::cuda {

// Each kernel of kernels.cu, as <name> for mk_<name>_kernel.
#define MK_DEVICE_KERNELS(apply)                                                                                  \
  apply(embed) apply(clamp) apply(rope) apply(scatter_rows) apply(combine) apply(rmsnorm) apply(layernorm)        \
      apply(log_sum_exp) apply(log_sum_exp_end) apply(gate_topk) apply(kv_write) apply(attention_plain)           \
          apply(attention_64) apply(attention_128) apply(attention_sum) apply(ffn_plan) apply(gather) apply(gemm) \
              apply(gemm_sum) apply(ffn_gate_up) apply(ffn_down) apply(gemm_plain)

struct Kernels {
#define MK_KERNEL_MEMBER(name) DriverFunction name;
  MK_DEVICE_KERNELS(MK_KERNEL_MEMBER)
#undef MK_KERNEL_MEMBER
};

struct Grid {
  int64_t x = 1, y = 1, z = 1;
};

// How the products of a device's code are launched.
struct GemmForm {
  int32_t tile_rows;
  int32_t threads;
  uint32_t shared_bytes;
  int32_t stays;  // blocks that stay for many tiles; 0: a block for each tile
};

class Stream;

class Device {
 public:
  // Throws Error: no driver, no such device, a device too old, or no device code beside the library.
  static std::unique_ptr<Device> open(int32_t index);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  DriverContext driver_context() const { return context_; }
  DeviceOrdinal ordinal() const { return ordinal_; }
  const Kernels& kernels() const { return kernels_; }
  // Device and code that together decide the bits.
  const std::string& numerics() const { return numerics_; }
  // Kernels wait for one another themselves (after_previous in builtins.h).
  bool kernels_overlap() const { return gemm_form_.stays != 0; }
  const GemmForm& gemm_form() const { return gemm_form_; }
  Stream& default_stream() { return *default_stream_; }

  // Makes the device the calling thread's: before any driver call.
  void enter() const;

  void* allocate(uint64_t bytes);  // zeroed; at least one byte
  void release(void* address) const;
  void* allocate_host(uint64_t bytes);
  void release_host(void* address) const;

  // Where kernels report DeviceFaults: host memory, so that looking costs no copy.
  void* status() const { return status_; }
  // Waits for the stream, then throws Error(MK_INVALID) for what kernels have reported since the last call.
  void check_status(Stream& stream);

 private:
  Device() = default;
  void start(int32_t index);
  void load_kernels(const std::string& code);

  DeviceOrdinal ordinal_ = 0;
  DriverContext context_ = nullptr;
  DriverModule module_ = nullptr;
  Kernels kernels_ = {};
  GemmForm gemm_form_ = {};
  std::string numerics_;
  std::unique_ptr<Stream> default_stream_;
  uint32_t* status_ = nullptr;
};

// Recorded operations, run as one.
class Graph {
 public:
  Graph(Device& device, DriverGraph graph);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  DriverGraphExec executable() const { return executable_; }

 private:
  Device& device_;
  DriverGraph graph_;
  DriverGraphExec executable_ = nullptr;
};

// An order of work. Used by one thread at a time.
class Stream {
 public:
  explicit Stream(Device& device);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Device& device() { return device_; }

  // Device memory that this stream's operations share one after another; grows to the largest size asked for.
  void* scratch(uint64_t bytes);

  // kMostArrivals zeros on the device, which kernels leave zero.
  int32_t* arrivals() const { return static_cast<int32_t*>(arrivals_); }

  template <typename... Args>
  void launch(DriverFunction kernel, Grid grid, int32_t threads, uint32_t shared_bytes, Args... args) {
    void* values[] = {&args...};
    enqueue(kernel, grid, threads, shared_bytes, values);
  }

  // Between these, operations are recorded, not run; what they need of scratch must have been asked for by an earlier call of the same shape.
  void begin_recording();
  std::unique_ptr<Graph> end_recording();
  void run(const Graph& graph);

  void copy(void* destination, const void* source, uint64_t bytes);
  void fill_zero(void* destination, uint64_t bytes);
  void wait();

 private:
  void enqueue(DriverFunction kernel, Grid grid, int32_t threads, uint32_t shared_bytes, void** values);

  Device& device_;
  DriverStream handle_ = nullptr;
  void* arrivals_ = nullptr;
  void* scratch_ = nullptr;
  uint64_t scratch_bytes_ = 0;
  std::vector<void*> retired_;
  bool is_recording_ = false;
  bool has_recorded_ = false;
};

}  // namespace mk::cuda

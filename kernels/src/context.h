// A context: a CPU backend with its threads and scratch memory that grows to the largest shape seen; of an accelerator the device as well, for which the
// CPU side only packs.
#pragma once

#include <memory>
#include <vector>

#include "backend.h"
#include "cores.h"
#include "cuda/device.h"
#include "exportable.h"
#include "thread_pool.h"

namespace mk {

class Runtime {
 public:
  // Throws Error for a configuration this machine cannot have.
  explicit Runtime(const mk_context_config& config);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const Backend& backend() const { return backend_; }
  // Of the calling thread; empty: any.
  const CoreSet& caller_cores() const { return cores_.front(); }
  ThreadPool& pool() { return pool_; }
  const ThreadPool& pool() const { return pool_; }
  void* scratch(uint64_t bytes);

 private:
  const Backend& backend_;
  const std::vector<CoreSet> cores_;  // of each thread
  ThreadPool pool_;
  void* scratch_ = nullptr;
  uint64_t scratch_bytes_ = 0;
};

}  // namespace mk

struct mk_context {
  explicit mk_context(const mk_context_config& config);
  mk::Runtime runtime;
  std::unique_ptr<mk::cuda::Device> device;  // null on CPU
  std::unique_ptr<mk::Exportable> exportable;
};

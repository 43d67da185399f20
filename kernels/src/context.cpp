#include "context.h"

#include <algorithm>
#include <new>
#include <string>

#include "error.h"
#include "memory.h"

namespace mk {
namespace {

constexpr int32_t kMostThreads = 256;
constexpr WaitBudget kDefaultIdle = {20, 200};

// Under this, waking and joining another thread costs more than it saves.
constexpr double kForkJoinNs = 30'000;

// Chunks per thread when items cost alike: enough to absorb a thread that starts late or loses its core.
constexpr int64_t kChunksPerThread = 4;

int32_t choose_threads(const mk_context_config& config, const CoreSet& cores) {
  require(config.thread_count >= 0 && config.thread_count <= kMostThreads, "thread_count must be in 0..256");
  const int32_t usable = usable_core_count(cores);
  require(usable > 0, "core_mask: none of its cores may be used by this process");
  return config.thread_count > 0 ? config.thread_count : std::min(usable, kMostThreads);
}

WaitBudget choose_idle(uint32_t spin_us) {
  if (spin_us == 0) return kDefaultIdle;
  const uint32_t pause_us = std::min(spin_us, kDefaultIdle.pause_us);
  return {pause_us, spin_us - pause_us};
}

// What packs for a GPU.
mk_context_config host_side(const mk_context_config& config) {
  mk_context_config host = config;
  if (host.backend == MK_BACKEND_CUDA) host.backend = MK_BACKEND_REFERENCE;
  return host;
}

}  // namespace

Runtime::Runtime(const mk_context_config& config)
    : backend_(choose_backend(config.backend)),
      cores_(cores_of_mask(config.core_mask)),
      pool_(choose_threads(config, cores_), cores_, choose_idle(config.spin_us)) {}

Runtime::~Runtime() { free_memory(scratch_); }

void* Runtime::scratch(uint64_t bytes) {
  if (bytes > scratch_bytes_) {
    free_memory(scratch_);
    scratch_ = nullptr;
    scratch_bytes_ = 0;
    scratch_ = allocate_memory(bytes);
    scratch_bytes_ = bytes;
  }
  return scratch_;
}

void parallel_for(Runtime& runtime, int64_t count, double cost_ns, RangeFunction function, const void* job) {
  const int64_t chunks = kChunksPerThread * runtime.pool().threads();
  parallel_for_grain(runtime, count, (count + chunks - 1) / chunks, cost_ns, function, job);
}

void parallel_for_grain(Runtime& runtime, int64_t count, int64_t grain, double cost_ns, RangeFunction function,
                        const void* job) {
  if (count <= 0) return;
  if (runtime.pool().threads() == 1 || cost_ns < kForkJoinNs || count <= grain)
    function(job, 0, count);
  else
    runtime.pool().run(count, grain, function, job);
}

int32_t thread_count(const Runtime& runtime) { return runtime.pool().threads(); }

bool uses_vnni(const Runtime& runtime) { return runtime.backend().has_vnni; }

bool uses_pairs(const Runtime& runtime) { return runtime.backend().has_pairs; }

void* scratch(Runtime& runtime, uint64_t bytes) {
  try {
    return runtime.scratch(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace mk

mk_context::mk_context(const mk_context_config& config) : runtime(mk::host_side(config)) {
  if (config.backend == MK_BACKEND_CUDA)
    device = mk::cuda::Device::open(config.device_index);
  else
    mk::require(config.device_index == 0, "device_index must be 0 on a CPU context");
}

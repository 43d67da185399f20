#include "context.h"

#include <algorithm>
#include <new>
#include <string>

#include "cuda/device_exportable.h"
#include "error.h"
#include "memory.h"

namespace mk {
namespace {

constexpr int32_t kMostThreads = 256;
// Long enough to stay awake while another pool computes on the same cores: who sleeps meanwhile joins the next operation
// late.
constexpr WaitBudget kDefaultIdle = {20, 1000};

// Under this, waking and joining another thread costs more than it saves.
constexpr double kForkJoinNs = 30'000;

// Chunks per thread when items cost alike: enough to absorb a thread that starts late or loses its core.
constexpr int64_t kChunksPerThread = 4;

// The cores of each thread, the calling one first. As many threads as cores: each has one of its own, since a thread that
// wanders meets its fellow on one core while another is free (3 to 7 % of a decode step on two cores). Otherwise all share.
std::vector<CoreSet> choose_threads(const mk_context_config& config) {
  require(config.thread_count >= 0 && config.thread_count <= kMostThreads, "thread_count must be in 0..256");
  const CoreSet asked = cores_of_mask(config.core_mask), usable = usable_cores(asked);
  require(!usable.empty() || asked.empty(), "core_mask: none of its cores may be used by this process");
  const int32_t most = std::min(static_cast<int32_t>(std::max<size_t>(usable.size(), 1)), kMostThreads);
  std::vector<CoreSet> threads(static_cast<size_t>(config.thread_count > 0 ? config.thread_count : most), asked);
  for (size_t i = 0; threads.size() == usable.size() && i < usable.size(); ++i) threads[i] = {usable[i]};
  return threads;
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
      cores_(choose_threads(config)),
      pool_(cores_, choose_idle(config.spin_us)) {}

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
  if (device != nullptr)
    exportable = std::make_unique<mk::cuda::DeviceExportable>(*device);
  else
    exportable = std::make_unique<mk::HostExportable>();
}

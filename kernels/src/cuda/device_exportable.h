// Memory of a GPU that other processes of the same host can map, on that GPU or on one that reaches it. Unlike what cuIpc shares, it outlives the process that made it.
#pragma once

#include "cuda/device.h"
#include "exportable.h"

namespace mk::cuda {

class DeviceExportable final : public Exportable {
 public:
  explicit DeviceExportable(Device& device) : device_(device) {}
  void* allocate(uint64_t bytes) override;
  int32_t open(const void* address) override;
  void* map(int32_t file, uint64_t bytes) override;
  void release(void* address) override;

 private:
  struct Mapping {
    uint64_t bytes;
    DriverMemory memory;
    bool is_own;
  };

  // In whole pages of the GPU.
  uint64_t rounded(uint64_t bytes) const;
  DriverMemoryKind kind() const;
  // Takes `memory` over.
  void* keep(DriverMemory memory, uint64_t bytes, bool is_own);

  Device& device_;
  std::mutex mutex_;
  std::map<const void*, Mapping> mappings_;
};

}  // namespace mk::cuda

#include "cuda/device_exportable.h"

#include "error.h"

namespace mk::cuda {

DriverMemoryKind DeviceExportable::kind() const {
  DriverMemoryKind kind = {};
  kind.type = kMemoryPinned;
  kind.handle_types = kHandleDescriptor;
  kind.place = {kPlaceDevice, device_.ordinal()};
  return kind;
}

uint64_t DeviceExportable::rounded(uint64_t bytes) const {
  const DriverMemoryKind what = kind();
  size_t page = 0;
  check_driver(driver().memory_granularity(&page, &what, 0), "asking for the GPU's page size");
  return (bytes + page - 1) / page * page;
}

void* DeviceExportable::keep(DriverMemory memory, uint64_t bytes, bool is_own) {
  DevicePointer address = 0;
  DriverResult result = driver().memory_reserve(&address, bytes, 0, 0, 0);
  if (result == kDriverSuccess) {
    result = driver().memory_map(address, bytes, 0, memory, 0);
    if (result == kDriverSuccess) {
      const DriverAccess access = {{kPlaceDevice, device_.ordinal()}, kAccessReadWrite};
      result = driver().memory_access(address, bytes, &access, 1);
      if (result != kDriverSuccess) (void)driver().memory_unmap(address, bytes);
    }
    if (result != kDriverSuccess) (void)driver().memory_unreserve(address, bytes);
  }
  if (result != kDriverSuccess) (void)driver().memory_release(memory);
  check_driver(result, is_own ? "mapping GPU memory" : "mapping GPU memory of another process");
  const std::lock_guard lock(mutex_);
  mappings_[reinterpret_cast<void*>(address)] = {bytes, memory, is_own};
  return reinterpret_cast<void*>(address);
}

void* DeviceExportable::allocate(uint64_t bytes) {
  require(bytes > 0, "bytes must be at least 1");
  device_.enter();
  const uint64_t whole = rounded(bytes);
  const DriverMemoryKind what = kind();
  DriverMemory memory = 0;
  check_driver(driver().memory_create(&memory, whole, &what, 0), "allocating GPU memory that can be shared");
  void* address = keep(memory, whole, true);
  try {
    device_.default_stream().fill_zero(address, whole);
    device_.default_stream().wait();
  } catch (const Error&) {
    release(address);
    throw;
  }
  return address;
}

int32_t DeviceExportable::open(const void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mappings_.find(address);
  require(found != mappings_.end() && found->second.is_own, "address is not of mk_exportable_allocate");
  device_.enter();
  int32_t file = -1;
  check_driver(driver().memory_export(&file, found->second.memory, kHandleDescriptor, 0), "sharing GPU memory");
  return file;
}

void* DeviceExportable::map(int32_t file, uint64_t bytes) {
  require(bytes > 0 && file >= 0, "file is not of mk_exportable_open with so many bytes");
  device_.enter();
  const uint64_t whole = rounded(bytes);
  DriverMemory memory = 0;
  if (driver().memory_import(&memory, reinterpret_cast<void*>(static_cast<intptr_t>(file)), kHandleDescriptor) !=
      kDriverSuccess)
    throw Error(MK_INVALID, "file is not of mk_exportable_open: the driver does not know it");
  return keep(memory, whole, false);
}

void DeviceExportable::release(void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mappings_.find(address);
  if (found == mappings_.end()) return;
  device_.enter();
  const auto place = reinterpret_cast<DevicePointer>(address);
  // Kernels that still use it: unmapping under them would be a fault of theirs.
  device_.default_stream().wait();
  (void)driver().memory_unmap(place, found->second.bytes);
  (void)driver().memory_unreserve(place, found->second.bytes);
  (void)driver().memory_release(found->second.memory);
  mappings_.erase(found);
}

}  // namespace mk::cuda

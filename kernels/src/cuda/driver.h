// NVIDIA's driver, loaded when a context asks for it: the few calls used, declared here so that neither toolkit nor driver is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mk::cuda {

using DriverResult = int;
using DeviceOrdinal = int;
using DevicePointer = unsigned long long;
using DriverContext = struct DriverContextTag*;
using DriverModule = struct DriverModuleTag*;
using DriverFunction = struct DriverFunctionTag*;
using DriverStream = struct DriverStreamTag*;
using DriverGraph = struct DriverGraphTag*;
using DriverGraphExec = struct DriverGraphExecTag*;
using DriverMemory = unsigned long long;

constexpr DriverResult kDriverSuccess = 0;
constexpr DriverResult kDriverOutOfMemory = 2;

// CUlaunchAttribute, CUlaunchConfig
struct LaunchAttribute {
  int id;
  int padding;
  union {
    int number;
    char space[64];
  } value;
};
struct LaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned shared_bytes;
  DriverStream stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};
// A kernel may start before the one in front of it has ended.
constexpr int kLaunchOverlapping = 6;

// CUdevice_attribute
constexpr int kAttributeMultiprocessors = 16;
constexpr int kAttributeMajor = 75;
constexpr int kAttributeMinor = 76;
// CUfunction_attribute
constexpr int kFunctionDynamicShared = 8;
// CUstream_flags, CU_MEMHOSTALLOC_*
constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kHostPortable = 1;
// CUstreamCaptureMode
constexpr int kCaptureThreadLocal = 1;
// CUjit_option
constexpr int kJitErrorLog = 5;
constexpr int kJitErrorLogBytes = 6;

// CUmemLocation, CUmemAllocationProp, CUmemAccessDesc
struct DriverPlace {
  int type;
  int id;
};
struct DriverMemoryKind {
  int type;
  int handle_types;
  DriverPlace place;
  void* of_windows;
  unsigned char flags[8];
};
struct DriverAccess {
  DriverPlace place;
  int flags;
};
static_assert(sizeof(DriverMemoryKind) == 32 && sizeof(DriverAccess) == 12);
constexpr int kMemoryPinned = 1;
constexpr int kHandleDescriptor = 1;
constexpr int kPlaceDevice = 1;
constexpr int kAccessReadWrite = 3;

#define MK_DRIVER_CALLS(apply)                                                                                         \
  apply(init, "cuInit", unsigned) apply(device_get, "cuDeviceGet", DeviceOrdinal*, int) apply(                         \
      device_count, "cuDeviceGetCount", int*) apply(device_name, "cuDeviceGetName", char*, int, DeviceOrdinal)         \
      apply(device_attribute, "cuDeviceGetAttribute", int*, int, DeviceOrdinal) apply(                                 \
          driver_version, "cuDriverGetVersion",                                                                        \
          int*) apply(context_retain, "cuDevicePrimaryCtxRetain", DriverContext*,                                      \
                      DeviceOrdinal) apply(context_release, "cuDevicePrimaryCtxRelease_v2",                            \
                                           DeviceOrdinal) apply(context_set, "cuCtxSetCurrent", DriverContext)         \
          apply(module_load, "cuModuleLoadDataEx", DriverModule*, const void*, unsigned, int*, void**) apply(          \
              module_unload, "cuModuleUnload",                                                                         \
              DriverModule) apply(module_function, "cuModuleGetFunction", DriverFunction*, DriverModule,               \
                                  const char*) apply(function_set, "cuFuncSetAttribute", DriverFunction, int, int)     \
              apply(launch, "cuLaunchKernelEx", const LaunchConfig*, DriverFunction, void**, void**) apply(            \
                  stream_create, "cuStreamCreate",                                                                     \
                  DriverStream*, unsigned) apply(stream_destroy, "cuStreamDestroy_v2",                                 \
                                                 DriverStream) apply(stream_wait, "cuStreamSynchronize", DriverStream) \
                  apply(allocate, "cuMemAlloc_v2", DevicePointer*, size_t) apply(                                      \
                      release, "cuMemFree_v2",                                                                         \
                      DevicePointer) apply(allocate_host, "cuMemHostAlloc", void**, size_t,                            \
                                           unsigned) apply(release_host, "cuMemFreeHost", void*)                       \
                      apply(copy, "cuMemcpyAsync", DevicePointer, DevicePointer, size_t, DriverStream)                 \
                          apply(fill, "cuMemsetD8Async", DevicePointer, unsigned char, size_t, DriverStream)           \
                              apply(capture_begin, "cuStreamBeginCapture_v2", DriverStream,                            \
                                    int) apply(capture_end, "cuStreamEndCapture", DriverStream,                        \
                                               DriverGraph*) apply(graph_instantiate, "cuGraphInstantiateWithFlags",   \
                                                                   DriverGraphExec*, DriverGraph, unsigned long long)  \
                                  apply(graph_launch, "cuGraphLaunch", DriverGraphExec,                                \
                                        DriverStream) apply(graph_exec_destroy, "cuGraphExecDestroy", DriverGraphExec) \
                                      apply(graph_destroy, "cuGraphDestroy", DriverGraph)                              \
                                          apply(memory_granularity, "cuMemGetAllocationGranularity", size_t*,          \
                                                const DriverMemoryKind*,                                               \
                                                int) apply(memory_create, "cuMemCreate", DriverMemory*, size_t,        \
                                                           const DriverMemoryKind*, unsigned long long)                \
                                              apply(memory_release, "cuMemRelease", DriverMemory) apply(               \
                                                  memory_reserve,                                                      \
                                                  "cuMemAddressReserve", DevicePointer*, size_t, size_t,               \
                                                  DevicePointer, unsigned long long)                                   \
                                                  apply(memory_unreserve, "cuMemAddressFree", DevicePointer, size_t)   \
                                                      apply(memory_map, "cuMemMap", DevicePointer, size_t, size_t,     \
                                                            DriverMemory, unsigned long long)                          \
                                                          apply(memory_unmap, "cuMemUnmap", DevicePointer, size_t)     \
                                                              apply(memory_access, "cuMemSetAccess", DevicePointer,    \
                                                                    size_t, const DriverAccess*, size_t)               \
                                                                  apply(memory_export, "cuMemExportToShareableHandle", \
                                                                        void*, DriverMemory, int, unsigned long long)  \
                                                                      apply(memory_import,                             \
                                                                            "cuMemImportFromShareableHandle",          \
                                                                            DriverMemory*, void*, int)                 \
                                                                          apply(error_name, "cuGetErrorName",          \
                                                                                DriverResult, const char**)            \
                                                                              apply(error_text, "cuGetErrorString",    \
                                                                                    DriverResult, const char**)

struct Driver {
#define MK_DRIVER_MEMBER(name, symbol, ...) DriverResult (*name)(__VA_ARGS__);
  MK_DRIVER_CALLS(MK_DRIVER_MEMBER)
#undef MK_DRIVER_MEMBER
};

// The driver of this machine, loaded and started at the first call. Throws Error(MK_UNSUPPORTED) with the reason where there is none.
const Driver& driver();

// Throws Error(MK_NO_MEMORY or MK_INTERNAL) that names `what` and the driver's own word for a result that is not success.
void check_driver(DriverResult result, const char* what);

}  // namespace mk::cuda

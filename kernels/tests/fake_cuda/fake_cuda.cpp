// A driver without a GPU, for the launch and memory logic of the cuda backend. Memory is real, so copies are; kernels do nothing, but what they are given is
// checked: grids and shared memory against the limits, every address among their arguments against the allocations that live, calls against the state
// that they need. Argument sizes come from the device code itself.
#include "fake_cuda.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr int kOk = 0, kInvalid = 1, kNoMemory = 2, kNotInitialised = 3, kNoDevice = 101, kBadContext = 201,
              kCapturing = 900;
constexpr uint64_t kSpaceBytes = uint64_t{1} << 36;

struct Kernel {
  std::string name;
  std::vector<size_t> parameters;  // bytes
  int shared_limit = 48 << 10;
};

struct Stream {
  bool is_capturing = false;
  int recorded = 0;
};

// Memory that has a descriptor, and where it is mapped.
struct Sharable {
  int file = -1;
  uint64_t bytes = 0;
  int mapped = 0;
};
struct Reserved {
  uint64_t bytes;
  Sharable* memory = nullptr;
  bool is_open = false;
};

struct State {
  bool is_started = false;
  int contexts = 0;
  bool is_current = false;
  int major = 9, minor = 0;
  uint64_t limit = kSpaceBytes;
  char* space = nullptr;
  uint64_t used = 0, live_bytes = 0;
  std::map<uint64_t, uint64_t> device;  // address -> bytes
  std::map<void*, size_t> pinned;
  std::set<Sharable*> sharable;
  std::map<uint64_t, Reserved> reserved;
  std::map<std::string, std::unique_ptr<Kernel>> kernels;
  std::set<Stream*> streams;
  std::set<int*> graphs;
  std::string faults, launches;
  std::string told;
};

State& state() {
  static State* const one = new State();  // outlives everything that may still call
  return *one;
}

int fault(const std::string& text, int code = kInvalid) {
  state().faults += text + "\n";
  return code;
}

bool in_space(uint64_t address) {
  const uint64_t base = reinterpret_cast<uint64_t>(state().space);
  return state().space != nullptr && address >= base && address < base + kSpaceBytes;
}

// Whether a run of device memory lies within one live allocation.
bool is_live(uint64_t address, uint64_t bytes) {
  for (const auto& [begin, one] : state().reserved)
    if (one.is_open && address >= begin && address + bytes <= begin + one.bytes) return true;
  auto after = state().device.upper_bound(address);
  if (after == state().device.begin()) return false;
  const auto& [begin, size] = *--after;
  return address + bytes <= begin + size;
}

int check_call(const char* name) {
  if (!state().is_started) return fault(std::string(name) + " before cuInit", kNotInitialised);
  if (!state().is_current) return fault(std::string(name) + " without a current context", kBadContext);
  return kOk;
}

int check_range(const char* name, uint64_t address, uint64_t bytes) {
  if (in_space(address) && !is_live(address, bytes))
    return fault(std::string(name) + ": device memory that is not allocated");
  return kOk;
}

size_t size_of_parameter(const std::string& text) {
  const size_t bracket = text.find('[');
  if (bracket != std::string::npos) return static_cast<size_t>(std::atoi(text.c_str() + bracket + 1));
  return text.find("64") != std::string::npos   ? 8
         : text.find("32") != std::string::npos ? 4
         : text.find("16") != std::string::npos ? 2
                                                : 1;
}

void read_kernels(const std::string& code) {
  static const std::string kEntry = ".visible .entry ";
  for (size_t at = code.find(kEntry); at != std::string::npos; at = code.find(kEntry, at + 1)) {
    const size_t open = code.find('(', at), close = code.find(')', open);
    auto kernel = std::make_unique<Kernel>();
    kernel->name = code.substr(at + kEntry.size(), open - at - kEntry.size());
    for (size_t p = code.find(".param", open); p < close; p = code.find(".param", p + 1)) {
      const size_t end = std::min(code.find(',', p), code.find('\n', p));
      kernel->parameters.push_back(
          size_of_parameter(code.substr(p + 6, end - p - 6).substr(0, code.find("mk_", p) - p - 6) +
                            code.substr(std::min(code.find('[', p), end), 8)));
    }
    state().kernels[kernel->name] = std::move(kernel);
  }
}

// Words that look like device addresses must be of live memory.
int check_arguments(const Kernel& kernel, void** values) {
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    std::vector<char> bytes(kernel.parameters[i]);
    std::memcpy(bytes.data(), values[i], bytes.size());
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + at, 8);
      if (in_space(word) && !is_live(word, 1))
        return fault(kernel.name + ": argument " + std::to_string(i) + " points to memory that is not allocated");
    }
  }
  return kOk;
}

}  // namespace

struct FakeKind {
  int type, handle_types, place_type, place;
  void* of_windows;
  unsigned char flags[8];
};
struct FakeAccess {
  int place_type, place, flags;
};

namespace {

constexpr uint64_t kPageBytes = 2 << 20;

int check_kind(const FakeKind* kind) {
  if (const int status = check_call("memory that can be shared")) return status;
  return kind->type == 1 && kind->handle_types == 1 && kind->place_type == 1 && kind->place == 0
             ? kOk
             : fault("memory of a kind that the fake does not know");
}

}  // namespace

extern "C" {

const char* fake_cuda_faults() {
  state().told.swap(state().faults);
  state().faults.clear();
  return state().told.c_str();
}

const char* fake_cuda_launches() {
  static std::string told;
  told.swap(state().launches);
  state().launches.clear();
  return told.c_str();
}

int fake_cuda_allocations() {
  return static_cast<int>(state().device.size() + state().pinned.size() + state().sharable.size() +
                          state().reserved.size());
}

void fake_cuda_capability(int major, int minor) {
  state().major = major;
  state().minor = minor;
}

void fake_cuda_limit(unsigned long long bytes) { state().limit = bytes; }

int cuInit(unsigned flags) {
  if (flags != 0) return fault("cuInit: flags must be 0");
  if (state().space == nullptr) {
    void* space =
        mmap(nullptr, kSpaceBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) return kNoDevice;
    state().space = static_cast<char*>(space);
  }
  state().is_started = true;
  return kOk;
}

int cuDeviceGetCount(int* count) {
  *count = 1;
  return kOk;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? kOk : kNoDevice;
}
int cuDeviceGetName(char* name, int bytes, int) {
  std::strncpy(name, "Fake GPU", static_cast<size_t>(bytes));
  return kOk;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 16:
      *value = 132;
      return kOk;
    case 75:
      *value = state().major;
      return kOk;
    case 76:
      *value = state().minor;
      return kOk;
    default:
      return fault("cuDeviceGetAttribute: an attribute that the fake does not know");
  }
}
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return kOk;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  ++state().contexts;
  *context = &state();
  return kOk;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  if (state().contexts == 0) return fault("a context was released once too often");
  --state().contexts;
  return kOk;
}
int cuCtxSetCurrent(void* context) {
  if (context != nullptr && state().contexts == 0) return fault("a released context was made current", kBadContext);
  state().is_current = context != nullptr;
  return kOk;
}

int cuModuleLoadDataEx(void** module, const void* code, unsigned, int*, void**) {
  if (const int status = check_call("cuModuleLoadDataEx")) return status;
  const std::string text = static_cast<const char*>(code);
  const std::string target = state().major == 9 && state().minor == 0 ? ".target sm_90a" : ".target sm_80";
  if (text.find(target) == std::string::npos) return fault("the device code is not " + target);
  read_kernels(text);
  *module = &state().kernels;
  return kOk;
}
int cuModuleUnload(void*) { return check_call("cuModuleUnload"); }
int cuModuleGetFunction(void** function, void*, const char* name) {
  const auto found = state().kernels.find(name);
  if (found == state().kernels.end()) return fault(std::string("there is no kernel ") + name);
  *function = found->second.get();
  return kOk;
}
int cuFuncSetAttribute(void* function, int attribute, int value) {
  if (attribute != 8) return fault("cuFuncSetAttribute: an attribute that the fake does not know");
  if (value > 227 << 10) return fault("more shared memory than a multiprocessor has");
  static_cast<Kernel*>(function)->shared_limit = value;
  return kOk;
}

struct FakeLaunch {
  unsigned grid[3], block[3], shared_bytes;
  void* stream;
  void* attributes;
  unsigned attribute_count;
};

int cuLaunchKernelEx(const FakeLaunch* launch, void* function, void** values, void** extra) {
  if (const int status = check_call("cuLaunchKernelEx")) return status;
  const Kernel& kernel = *static_cast<Kernel*>(function);
  state().launches += (state().launches.empty() ? "" : " ") + kernel.name;
  if (extra != nullptr) return fault(kernel.name + ": extra arguments");
  if (launch->grid[0] == 0 || launch->grid[1] == 0 || launch->grid[2] == 0 || launch->grid[0] > 0x7fffffffu ||
      launch->grid[1] > 65535 || launch->grid[2] > 65535)
    return fault(kernel.name + ": a grid of " + std::to_string(launch->grid[0]) + " x " +
                 std::to_string(launch->grid[1]) + " x " + std::to_string(launch->grid[2]));
  const uint64_t threads = uint64_t{launch->block[0]} * launch->block[1] * launch->block[2];
  if (threads == 0 || threads > 1024)
    return fault(kernel.name + ": a block of " + std::to_string(threads) + " threads");
  if (launch->shared_bytes > static_cast<unsigned>(kernel.shared_limit))
    return fault(kernel.name + ": more shared memory than it asked for");
  Stream* const stream = static_cast<Stream*>(launch->stream);
  if (state().streams.count(stream) == 0) return fault(kernel.name + ": on a stream that does not live");
  if (stream->is_capturing) ++stream->recorded;
  return check_arguments(kernel, values);
}

int cuStreamCreate(void** stream, unsigned) {
  if (const int status = check_call("cuStreamCreate")) return status;
  Stream* const made = new Stream();
  state().streams.insert(made);
  *stream = made;
  return kOk;
}
int cuStreamDestroy_v2(void* stream) {
  if (state().streams.erase(static_cast<Stream*>(stream)) == 0) return fault("a stream was destroyed twice");
  delete static_cast<Stream*>(stream);
  return kOk;
}
int cuStreamSynchronize(void* stream) {
  if (state().streams.count(static_cast<Stream*>(stream)) == 0) return fault("waiting for a stream that does not live");
  return static_cast<Stream*>(stream)->is_capturing ? fault("waiting for a stream that records", kCapturing) : kOk;
}
int cuStreamBeginCapture_v2(void* stream, int) {
  if (static_cast<Stream*>(stream)->is_capturing) return fault("a stream records already", kCapturing);
  static_cast<Stream*>(stream)->is_capturing = true;
  static_cast<Stream*>(stream)->recorded = 0;
  return kOk;
}
int cuStreamEndCapture(void* stream, void** graph) {
  if (!static_cast<Stream*>(stream)->is_capturing) return fault("a stream does not record", kCapturing);
  static_cast<Stream*>(stream)->is_capturing = false;
  int* const made = new int(static_cast<Stream*>(stream)->recorded);
  state().graphs.insert(made);
  *graph = made;
  return kOk;
}
int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
  *executable = graph;
  return state().graphs.count(static_cast<int*>(graph)) != 0 ? kOk : fault("a graph that does not live");
}
int cuGraphLaunch(void* executable, void*) {
  if (state().graphs.count(static_cast<int*>(executable)) == 0) return fault("a graph that does not live");
  state().launches +=
      (state().launches.empty() ? "graph:" : " graph:") + std::to_string(*static_cast<int*>(executable));
  return kOk;
}
int cuGraphExecDestroy(void*) { return kOk; }
int cuGraphDestroy(void* graph) {
  if (state().graphs.erase(static_cast<int*>(graph)) == 0) return fault("a graph was destroyed twice");
  delete static_cast<int*>(graph);
  return kOk;
}

int cuMemAlloc_v2(unsigned long long* address, size_t bytes) {
  if (const int status = check_call("cuMemAlloc")) return status;
  if (bytes == 0) return fault("an allocation of nothing");
  if (state().live_bytes + bytes > state().limit) return kNoMemory;
  const uint64_t room = (bytes + 511) / 512 * 512 + 512;  // a gap, so that running over shows
  if (state().used + room > kSpaceBytes) return kNoMemory;
  *address = reinterpret_cast<uint64_t>(state().space) + state().used;
  state().used += room;
  state().device[*address] = bytes;
  state().live_bytes += bytes;
  return kOk;
}
int cuMemFree_v2(unsigned long long address) {
  const auto found = state().device.find(address);
  if (found == state().device.end()) return fault("device memory was freed that is not allocated");
  state().live_bytes -= found->second;
  state().device.erase(found);
  return kOk;
}
int cuMemGetAllocationGranularity(size_t* bytes, const FakeKind* kind, int) {
  *bytes = kPageBytes;
  return check_kind(kind);
}
int cuMemCreate(unsigned long long* handle, size_t bytes, const FakeKind* kind, unsigned long long flags) {
  if (const int status = check_kind(kind)) return status;
  if (flags != 0 || bytes == 0 || bytes % kPageBytes != 0) return fault("cuMemCreate: not whole pages");
  if (state().live_bytes + bytes > state().limit) return kNoMemory;
  Sharable* const made = new Sharable{memfd_create("fake-gpu", MFD_CLOEXEC), bytes};
  if (ftruncate(made->file, static_cast<off_t>(bytes)) != 0) return kNoMemory;
  state().sharable.insert(made);
  state().live_bytes += bytes;
  *handle = reinterpret_cast<uint64_t>(made);
  return kOk;
}
int cuMemRelease(unsigned long long handle) {
  Sharable* const one = reinterpret_cast<Sharable*>(handle);
  if (state().sharable.count(one) == 0) return fault("memory was released twice");
  if (one->mapped != 0) return fault("memory was released before it was unmapped");
  state().sharable.erase(one);
  state().live_bytes -= one->bytes;
  close(one->file);
  delete one;
  return kOk;
}
int cuMemAddressReserve(unsigned long long* address, size_t bytes, size_t, unsigned long long, unsigned long long) {
  if (bytes == 0 || bytes % kPageBytes != 0) return fault("cuMemAddressReserve: not whole pages");
  const uint64_t begin = (state().used + kPageBytes - 1) / kPageBytes * kPageBytes;
  if (begin + bytes + kPageBytes > kSpaceBytes) return kNoMemory;
  state().used = begin + bytes + kPageBytes;  // a gap, so that running over shows
  *address = reinterpret_cast<uint64_t>(state().space) + begin;
  state().reserved[*address] = {bytes};
  return kOk;
}
int cuMemAddressFree(unsigned long long address, size_t bytes) {
  const auto found = state().reserved.find(address);
  if (found == state().reserved.end() || found->second.bytes != bytes)
    return fault("addresses were freed that are not reserved");
  if (found->second.memory != nullptr) return fault("addresses were freed that are mapped");
  state().reserved.erase(found);
  return kOk;
}
int cuMemMap(unsigned long long address, size_t bytes, size_t offset, unsigned long long handle,
             unsigned long long flags) {
  Sharable* const one = reinterpret_cast<Sharable*>(handle);
  const auto found = state().reserved.find(address);
  if (state().sharable.count(one) == 0 || found == state().reserved.end() || found->second.memory != nullptr ||
      found->second.bytes != bytes || offset != 0 || flags != 0)
    return fault("cuMemMap: no such memory or place");
  if (bytes > one->bytes) return kInvalid;  // what an importer may run into
  if (mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, one->file, 0) ==
      MAP_FAILED)
    return kNoMemory;
  found->second.memory = one;
  ++one->mapped;
  return kOk;
}
int cuMemUnmap(unsigned long long address, size_t bytes) {
  const auto found = state().reserved.find(address);
  if (found == state().reserved.end() || found->second.memory == nullptr || found->second.bytes != bytes)
    return fault("what is not mapped was unmapped");
  mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  --found->second.memory->mapped;
  found->second.memory = nullptr;
  found->second.is_open = false;
  return kOk;
}
int cuMemSetAccess(unsigned long long address, size_t bytes, const FakeAccess* access, size_t count) {
  const auto found = state().reserved.find(address);
  if (found == state().reserved.end() || found->second.memory == nullptr || found->second.bytes != bytes ||
      count != 1 || access->place_type != 1 || access->place != 0 || access->flags != 3)
    return fault("cuMemSetAccess: not what this process has mapped");
  found->second.is_open = true;
  return kOk;
}
int cuMemExportToShareableHandle(void* file, unsigned long long handle, int type, unsigned long long flags) {
  Sharable* const one = reinterpret_cast<Sharable*>(handle);
  if (state().sharable.count(one) == 0 || type != 1 || flags != 0) return fault("no such memory to share");
  *static_cast<int*>(file) = fcntl(one->file, F_DUPFD_CLOEXEC, 0);
  return kOk;
}
int cuMemImportFromShareableHandle(unsigned long long* handle, void* file, int type) {
  const int given = static_cast<int>(reinterpret_cast<intptr_t>(file));
  struct stat status = {};
  char path[64], target[64] = "";
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", given);
  if (readlink(path, target, sizeof target - 1) < 0 || std::strncmp(target, "/memfd:fake-gpu", 15) != 0 || type != 1 ||
      fstat(given, &status) != 0)
    return kInvalid;
  Sharable* const made = new Sharable{fcntl(given, F_DUPFD_CLOEXEC, 0), static_cast<uint64_t>(status.st_size)};
  state().sharable.insert(made);
  state().live_bytes += made->bytes;
  *handle = reinterpret_cast<uint64_t>(made);
  return kOk;
}
int cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  if (const int status = check_call("cuMemHostAlloc")) return status;
  *memory = std::malloc(bytes);
  state().pinned[*memory] = bytes;
  return kOk;
}
int cuMemFreeHost(void* memory) {
  if (state().pinned.erase(memory) == 0) return fault("pinned memory was freed that is not allocated");
  std::free(memory);
  return kOk;
}
int cuMemcpyAsync(unsigned long long to, unsigned long long from, size_t bytes, void*) {
  if (const int status = check_call("cuMemcpyAsync")) return status;
  if (const int status = check_range("cuMemcpyAsync", to, bytes)) return status;
  if (const int status = check_range("cuMemcpyAsync", from, bytes)) return status;
  std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
  return kOk;
}
int cuMemsetD8Async(unsigned long long to, unsigned char value, size_t bytes, void*) {
  if (const int status = check_range("cuMemsetD8Async", to, bytes)) return status;
  std::memset(reinterpret_cast<void*>(to), value, bytes);
  return kOk;
}
int cuGetErrorName(int code, const char** name) {
  *name = code == kNoMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE";
  return kOk;
}
int cuGetErrorString(int, const char** text) {
  *text = "as the fake driver says";
  return kOk;
}

}  // extern "C"

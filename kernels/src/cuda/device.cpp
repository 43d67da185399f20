#include "cuda/device.h"

#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "error.h"

namespace mk::cuda {
namespace {

constexpr int kOldestMajor = 8;
constexpr int kLargestGridY = 65535;

// The folder of this library, where its device code lies.
std::string library_folder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&library_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string read_code(bool is_hopper) {
  const std::string path = library_folder() + (is_hopper ? "/megakernels.sm_90a.ptx" : "/megakernels.sm_80.ptx");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.str().empty())
    throw Error(MK_UNSUPPORTED,
                "device code is missing: " + path + " was not found; build with clang-19 or nvcc installed");
  return text.str();
}

DriverModule load_module(const std::string& code) {
  char log[4096] = "";
  int options[] = {kJitErrorLog, kJitErrorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
  DriverModule module = nullptr;
  if (driver().module_load(&module, code.c_str(), 2, options, values) != kDriverSuccess)
    throw Error(MK_UNSUPPORTED, std::string("the driver does not take the device code: ") + log);
  return module;
}

const char* text_of_fault(uint32_t fault) {
  switch (fault) {
    case kBadId:
      return "an id is outside its table";
    case kBadPosition:
      return "a position is outside its context";
    case kBadSequence:
      return "sequence_of_row is outside the block tables";
    case kBadBlock:
      return "a block index is outside the cache";
    case kBadOffsets:
      return "offsets must ascend from 0 to pairs";
    default:
      return "an unknown fault";
  }
}

}  // namespace

std::unique_ptr<Device> Device::open(int32_t index) {
  std::unique_ptr<Device> device(new Device());
  device->start(index);
  return device;
}

void Device::start(int32_t index) {
  int count = 0;
  check_driver(driver().device_count(&count), "counting GPUs");
  if (index < 0 || index >= count)
    throw Error(MK_UNSUPPORTED, "device_index is " + std::to_string(index) + ", but this machine has " +
                                    std::to_string(count) + " GPUs");
  check_driver(driver().device_get(&ordinal_, index), "opening the GPU");
  int major = 0, minor = 0, version = 0;
  char name[128] = "";
  check_driver(driver().device_attribute(&major, kAttributeMajor, ordinal_), "asking the GPU's generation");
  check_driver(driver().device_attribute(&minor, kAttributeMinor, ordinal_), "asking the GPU's generation");
  check_driver(driver().device_name(name, sizeof name, ordinal_), "asking the GPU's name");
  check_driver(driver().driver_version(&version), "asking the driver's version");
  const std::string generation = std::to_string(major) + "." + std::to_string(minor);
  if (major < kOldestMajor)
    throw Error(MK_UNSUPPORTED,
                std::string(name) + " is of compute capability " + generation + "; at least 8.0 is needed");
  numerics_ = "cuda-1 " + std::string(name) + " " + generation + " driver " + std::to_string(version);
  const bool is_hopper = major == 9 && minor == 0;  // code for sm_90a runs on no other
  const std::string code = read_code(is_hopper);
  int multiprocessors = 0;
  check_driver(driver().device_attribute(&multiprocessors, kAttributeMultiprocessors, ordinal_),
               "asking the GPU's size");
  gemm_form_ = is_hopper ? GemmForm{kHopperRows, kHopperThreads, kHopperSharedBytes, multiprocessors}
                         : GemmForm{kGemmRows, kGemmThreads, kGemmSharedBytes, 0};
  check_driver(driver().context_retain(&context_, ordinal_), "taking the GPU");
  enter();
  load_kernels(code);
  default_stream_ = std::make_unique<Stream>(*this);
  status_ = static_cast<uint32_t*>(allocate_host(sizeof(uint32_t)));
}

void Device::load_kernels(const std::string& code) {
  module_ = load_module(code);
#define MK_KERNEL_FIND(name)                                                                                 \
  check_driver(driver().module_function(&kernels_.name, module_, "mk_" #name "_kernel"), "finding mk_" #name \
                                                                                         "_kerne"            \
                                                                                         "l");
  MK_DEVICE_KERNELS(MK_KERNEL_FIND)
#undef MK_KERNEL_FIND
  const auto allow_shared = [](DriverFunction kernel, int bytes) {
    check_driver(driver().function_set(kernel, kFunctionDynamicShared, bytes), "asking for shared memory");
  };
  for (DriverFunction kernel : {kernels_.gemm, kernels_.ffn_gate_up, kernels_.ffn_down})
    allow_shared(kernel, static_cast<int>(gemm_form_.shared_bytes));
  allow_shared(kernels_.attention_64, attention_shared_bytes(64));
  allow_shared(kernels_.attention_128, attention_shared_bytes(128));
}

Device::~Device() {
  if (context_ == nullptr) return;
  (void)driver().context_set(context_);
  release_host(status_);
  default_stream_.reset();
  if (module_ != nullptr) (void)driver().module_unload(module_);
  (void)driver().context_release(ordinal_);
}

void Device::enter() const {
  thread_local DriverContext current = nullptr;
  if (current == context_) return;
  check_driver(driver().context_set(context_), "entering the GPU");
  current = context_;
}

void* Device::allocate(uint64_t bytes) {
  enter();
  DevicePointer address = 0;
  check_driver(driver().allocate(&address, bytes == 0 ? 1 : bytes), "allocating GPU memory");
  void* memory = reinterpret_cast<void*>(address);
  default_stream_->fill_zero(memory, bytes == 0 ? 1 : bytes);
  default_stream_->wait();
  return memory;
}

void Device::release(void* address) const {
  if (address != nullptr) (void)driver().release(reinterpret_cast<DevicePointer>(address));
}

void* Device::allocate_host(uint64_t bytes) {
  enter();
  void* memory = nullptr;
  check_driver(driver().allocate_host(&memory, bytes == 0 ? 1 : bytes, kHostPortable), "allocating pinned memory");
  std::memset(memory, 0, bytes);
  return memory;
}

void Device::release_host(void* address) const {
  if (address != nullptr) (void)driver().release_host(address);
}

void Device::check_status(Stream& stream) {
  stream.wait();
  const uint32_t fault = *const_cast<volatile uint32_t*>(status_);
  if (fault == kNoFault) return;
  *status_ = kNoFault;
  throw Error(MK_INVALID, text_of_fault(fault));
}

Stream::Stream(Device& device) : device_(device) {
  device.enter();
  check_driver(driver().stream_create(&handle_, kStreamNonBlocking), "making a stream");
  DevicePointer address = 0;
  check_driver(driver().allocate(&address, kMostArrivals * sizeof(int32_t)), "allocating GPU memory");
  arrivals_ = reinterpret_cast<void*>(address);
  fill_zero(arrivals_, kMostArrivals * sizeof(int32_t));
}

Stream::~Stream() {
  (void)driver().stream_wait(handle_);
  device_.release(arrivals_);
  device_.release(scratch_);
  for (void* memory : retired_) device_.release(memory);
  (void)driver().stream_destroy(handle_);
}

void* Stream::scratch(uint64_t bytes) {
  if (bytes > scratch_bytes_) {
    if (is_recording_)
      throw Error(
          MK_INVALID,
          "a recorded operation needs more scratch memory than the calls before: call it once before recording");
    wait();  // what was enqueued still uses the old one
    // A recording goes on using the one it was made with.
    if (has_recorded_)
      retired_.push_back(scratch_);
    else
      device_.release(scratch_);
    scratch_ = nullptr;
    scratch_bytes_ = 0;
    DevicePointer address = 0;
    check_driver(driver().allocate(&address, bytes), "allocating GPU scratch memory");
    scratch_ = reinterpret_cast<void*>(address);
    scratch_bytes_ = bytes;
  }
  return scratch_;
}

void Stream::enqueue(DriverFunction kernel, Grid grid, int32_t threads, uint32_t shared_bytes, void** values) {
  if (grid.x > INT32_MAX || grid.y > kLargestGridY || grid.z > kLargestGridY)
    throw Error(MK_UNSUPPORTED, "too many rows for one call on a GPU; split it");
  LaunchAttribute overlapping = {kLaunchOverlapping, 0, {1}};
  const LaunchConfig config = {
      {static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z)},
      {static_cast<unsigned>(threads), 1, 1},
      shared_bytes,
      handle_,
      &overlapping,
      device_.kernels_overlap() ? 1u : 0u};
  check_driver(driver().launch(&config, kernel, values, nullptr), "starting a kernel");
}

void Stream::copy(void* destination, const void* source, uint64_t bytes) {
  if (bytes == 0) return;
  check_driver(driver().copy(reinterpret_cast<DevicePointer>(destination), reinterpret_cast<DevicePointer>(source),
                             bytes, handle_),
               "copying");
}

void Stream::fill_zero(void* destination, uint64_t bytes) {
  check_driver(driver().fill(reinterpret_cast<DevicePointer>(destination), 0, bytes, handle_), "clearing GPU memory");
}

void Stream::wait() { check_driver(driver().stream_wait(handle_), "waiting for the GPU"); }

void Stream::begin_recording() {
  require(!is_recording_, "the stream is recording already");
  check_driver(driver().capture_begin(handle_, kCaptureThreadLocal), "beginning to record");
  is_recording_ = true;
  has_recorded_ = true;
}

std::unique_ptr<Graph> Stream::end_recording() {
  require(is_recording_, "the stream is not recording");
  is_recording_ = false;
  DriverGraph graph = nullptr;
  check_driver(driver().capture_end(handle_, &graph), "ending a recording");
  return std::make_unique<Graph>(device_, graph);
}

void Stream::run(const Graph& graph) {
  check_driver(driver().graph_launch(graph.executable(), handle_), "running a recording");
}

Graph::Graph(Device& device, DriverGraph graph) : device_(device), graph_(graph) {
  const DriverResult result = driver().graph_instantiate(&executable_, graph_, 0);
  if (result == kDriverSuccess) return;
  (void)driver().graph_destroy(graph_);
  check_driver(result, "preparing a recording");
}

Graph::~Graph() {
  (void)driver().context_set(device_.driver_context());
  (void)driver().graph_exec_destroy(executable_);
  (void)driver().graph_destroy(graph_);
}

}  // namespace mk::cuda

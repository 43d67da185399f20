#include "cuda/driver.h"

#include <dlfcn.h>

#include <string>

#include "error.h"

namespace mk::cuda {
namespace {

std::string text_of(const Driver& driver, DriverResult result) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (driver.error_name(result, &name) != kDriverSuccess || name == nullptr) return "error " + std::to_string(result);
  if (driver.error_text(result, &text) != kDriverSuccess || text == nullptr) return name;
  return std::string(name) + " (" + text + ")";
}

Driver load() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw Error(MK_UNSUPPORTED,
                "this machine has no NVIDIA driver (libcuda.so.1 was not found); choose the backend auto");
  Driver driver = {};
#define MK_DRIVER_FIND(name, symbol, ...)                                                                \
  driver.name = reinterpret_cast<decltype(driver.name)>(dlsym(library, symbol));                         \
  if (driver.name == nullptr) throw Error(MK_UNSUPPORTED, "this machine's NVIDIA driver is too old: it " \
                                                          "lacks " symbol);
  MK_DRIVER_CALLS(MK_DRIVER_FIND)
#undef MK_DRIVER_FIND
  const DriverResult result = driver.init(0);
  if (result != kDriverSuccess)
    throw Error(MK_UNSUPPORTED,
                "the NVIDIA driver does not start: " + text_of(driver, result) + "; choose the backend auto");
  return driver;
}

}  // namespace

const Driver& driver() {
  static const Driver loaded = load();
  return loaded;
}

void check_driver(DriverResult result, const char* what) {
  if (result == kDriverSuccess) return;
  throw Error(result == kDriverOutOfMemory ? MK_NO_MEMORY : MK_INTERNAL,
              std::string(what) + ": " + text_of(driver(), result));
}

}  // namespace mk::cuda

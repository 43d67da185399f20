// Tests hand operations the addresses of their own vectors. With MK_TEST_CUDA=1, `new` gives memory pinned by the driver, which a GPU reads and writes at
// the same address; everything else about a test stays as it is.
#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include "harness.h"

namespace {

constexpr size_t kArenaBytes = size_t{1} << 30;
constexpr int kClasses = 34;
constexpr size_t kLeastBytes = 64;

// Blocks of powers of two, cut from one run and kept for reuse.
class Arena {
 public:
  Arena() {
    const char* wanted = std::getenv("MK_TEST_CUDA");
    if (wanted == nullptr || wanted[0] != '1') return;
    void* driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (driver == nullptr) return;
    const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
    const auto retain = reinterpret_cast<int (*)(void**, int)>(dlsym(driver, "cuDevicePrimaryCtxRetain"));
    const auto enter = reinterpret_cast<int (*)(void*)>(dlsym(driver, "cuCtxSetCurrent"));
    const auto allocate = reinterpret_cast<int (*)(void**, size_t, unsigned)>(dlsym(driver, "cuMemHostAlloc"));
    void *context = nullptr, *memory = nullptr;
    if (init(0) != 0 || retain(&context, 0) != 0 || enter(context) != 0 || allocate(&memory, kArenaBytes, 1) != 0)
      return;
    next_ = begin_ = static_cast<char*>(memory);
  }

  bool is_used() const { return begin_ != nullptr; }
  bool owns(const void* address) const { return is_used() && address >= begin_ && address < begin_ + kArenaBytes; }

  void* take(size_t bytes) {
    const int size_class = class_of(bytes + kLeastBytes);
    const std::lock_guard<std::mutex> guard(mutex_);
    char* block = free_[size_class];
    if (block != nullptr) {
      free_[size_class] = *reinterpret_cast<char**>(block + kLeastBytes);
    } else {
      const size_t whole = kLeastBytes << size_class;
      if (static_cast<size_t>(begin_ + kArenaBytes - next_) < whole) return nullptr;
      block = next_;
      next_ += whole;
      *reinterpret_cast<int*>(block) = size_class;
    }
    return block + kLeastBytes;
  }

  void give(void* address) {
    char* block = static_cast<char*>(address) - kLeastBytes;
    const int size_class = *reinterpret_cast<int*>(block);
    const std::lock_guard<std::mutex> guard(mutex_);
    *reinterpret_cast<char**>(block + kLeastBytes) = free_[size_class];
    free_[size_class] = block;
  }

 private:
  static int class_of(size_t bytes) {
    int size_class = 1;
    while ((kLeastBytes << size_class) < bytes) ++size_class;
    return size_class < kClasses ? size_class : kClasses - 1;
  }

  char* begin_ = nullptr;
  char* next_ = nullptr;
  char* free_[kClasses] = {};
  std::mutex mutex_;
};

// Never destroyed: memory is freed until the very end. Its own construction must not come here again, so what is allocated meanwhile is malloc's.
alignas(Arena) unsigned char arena_memory[sizeof(Arena)];
Arena* arena = nullptr;
bool is_starting = false;

Arena* find_arena() {
  if (arena == nullptr && !is_starting) {
    is_starting = true;
    arena = ::new (static_cast<void*>(arena_memory)) Arena();
  }
  return arena;
}

}  // namespace

bool mk::test::device_reads_tests_memory() { return find_arena() != nullptr && arena->is_used(); }

void* operator new(size_t bytes) {
  Arena* const pinned = find_arena();
  void* address = pinned != nullptr && pinned->is_used() ? pinned->take(bytes) : std::malloc(bytes == 0 ? 1 : bytes);
  if (address == nullptr) throw std::bad_alloc();
  return address;
}

void operator delete(void* address) noexcept {
  if (arena != nullptr && arena->owns(address))
    arena->give(address);
  else
    std::free(address);
}

void operator delete(void* address, size_t) noexcept { operator delete(address); }

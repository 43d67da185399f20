// Memory that other processes can map, by a descriptor: rows that an attention node writes and an expert node reads. It lives until the last of them has let go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace mk {

class Exportable {
 public:
  virtual ~Exportable() = default;
  Exportable(const Exportable&) = delete;
  Exportable& operator=(const Exportable&) = delete;

  // Zeroed. Throws Error(MK_NO_MEMORY or MK_INTERNAL).
  virtual void* allocate(uint64_t bytes) = 0;
  // A descriptor of what allocate() gave; the caller closes it. Throws Error(MK_INVALID) for any other address.
  virtual int32_t open(const void* address) = 0;
  // What another process allocated with so many bytes. Throws Error(MK_INVALID) if the descriptor is of anything else.
  virtual void* map(int32_t file, uint64_t bytes) = 0;
  // Of allocate() or map(); any thread.
  virtual void release(void* address) = 0;

 protected:
  Exportable() = default;
};

// Of a CPU: memory without a name in a file system.
class HostExportable final : public Exportable {
 public:
  void* allocate(uint64_t bytes) override;
  int32_t open(const void* address) override;
  void* map(int32_t file, uint64_t bytes) override;
  void release(void* address) override;

 private:
  struct Mapping {
    uint64_t bytes;
    int32_t file;  // -1: it was another process that allocated
  };
  std::mutex mutex_;
  std::map<const void*, Mapping> mappings_;
};

}  // namespace mk

// What packed weights lie in on a CPU: memory of their own, or the pages of the file that keeps them.
#pragma once

#include <cstdint>

namespace mk {

class WeightMemory {
 public:
  // Zeroed; throws std::bad_alloc.
  explicit WeightMemory(uint64_t bytes);
  // The first bytes of an open file, which must not change afterwards; throws Error if it has fewer or cannot be read.
  WeightMemory(int file, uint64_t bytes);
  ~WeightMemory();

  WeightMemory(const WeightMemory&) = delete;
  WeightMemory& operator=(const WeightMemory&) = delete;

  void* get() const { return address_; }

  // Finds damage by chance.
  uint64_t checksum() const;

  // Moves the next part of what is still a file's pages to memory of this process, on huge pages, under the same
  // addresses: threads may read meanwhile. One caller at a time. False: nothing is left, or memory is short and the
  // file's pages stay.
  bool settle_next();

 private:
  void* address_ = nullptr;
  void* reserved_ = nullptr;  // where the addresses of mapped pages begin; null: allocated
  uint64_t reserved_bytes_ = 0;
  uint64_t bytes_ = 0;
  uint64_t settled_ = 0;
};

}  // namespace mk

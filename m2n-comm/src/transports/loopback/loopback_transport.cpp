#include "transports/loopback/loopback_transport.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "failure.h"

namespace m2n {
namespace {

constexpr std::size_t kAlignment = 4096;

// Lives until the last side lets go, as shared memory would.
class Memory {
 public:
  Memory(uint64_t bytes, const m2n_row_memory& rows, uint64_t row_memory_bytes)
      : base_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes))), release_rows_(rows.release) {
    if (base_ == nullptr) throw Failure(M2N_INTERNAL, sentence("no memory for a region of %lu bytes", bytes));
    std::memset(base_.get(), 0, bytes);
    if (row_memory_bytes == 0) return;
    rows_ = static_cast<std::byte*>(rows.allocate(rows.user, row_memory_bytes));
    if (rows_ == nullptr) throw Failure(M2N_INTERNAL, sentence("row_memory has no %lu bytes left", row_memory_bytes));
  }
  ~Memory() {
    if (rows_ != nullptr) release_rows_(rows_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::byte* base() const { return base_.get(); }
  std::byte* rows() const { return rows_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  std::unique_ptr<std::byte, Free> base_;
  std::byte* rows_ = nullptr;
  void (*release_rows_)(void*);
};

using Nonce = std::pair<uint64_t, uint64_t>;

struct Registry {
  std::mutex mutex;
  std::map<Nonce, std::shared_ptr<Memory>> named;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

Nonce key_of(const RegionName& name) { return {name.nonce[0], name.nonce[1]}; }

class LoopbackRegion final : public Region {
 public:
  LoopbackRegion(std::shared_ptr<Memory> memory, const RegionName& name, bool created)
      : Region(memory->base(), name), memory_(std::move(memory)), named_(created) {}
  ~LoopbackRegion() override { forget(); }
  std::byte* row_memory() const override { return memory_->rows(); }
  void unname() override { forget(); }

 private:
  void forget() {
    if (!std::exchange(named_, false)) return;
    std::lock_guard lock(registry().mutex);
    registry().named.erase(key_of(name_));
  }

  std::shared_ptr<Memory> memory_;
  bool named_;
};

// A thread cannot be seen to die; an endpoint that leaves says so in its regions.
class Always final : public PeerWatch {
 public:
  bool alive() const override { return true; }
};

}  // namespace

std::unique_ptr<Region> LoopbackTransport::create(uint64_t magic, uint64_t bytes, uint64_t row_memory_bytes) const {
  RegionName name{static_cast<uint32_t>(getpid()), -1, 0, {0, 0}, bytes};
  fill_nonce(name.nonce);
  auto memory = std::make_shared<Memory>(bytes, rows_, row_memory_bytes);
  const RegionHeader header{magic, {name.nonce[0], name.nonce[1]}, bytes};
  std::memcpy(memory->base(), &header, sizeof header);
  {
    std::lock_guard lock(registry().mutex);
    registry().named.emplace(key_of(name), memory);
  }
  return std::make_unique<LoopbackRegion>(std::move(memory), name, true);
}

std::unique_ptr<Region> LoopbackTransport::map(const RegionName& name, uint64_t magic, uint64_t bytes) const {
  std::shared_ptr<Memory> memory;
  {
    std::lock_guard lock(registry().mutex);
    const auto found = registry().named.find(key_of(name));
    if (found == registry().named.end())
      throw Failure(M2N_PEER_LOST, "the peer's region is gone: its endpoint was closed");
    memory = found->second;
  }
  RegionHeader header;
  std::memcpy(&header, memory->base(), sizeof header);
  if (header.magic != magic || header.bytes != bytes || name.bytes != bytes)
    throw Failure(M2N_INVALID, sentence("the peer's region has %lu bytes where %lu are expected", header.bytes, bytes));
  return std::make_unique<LoopbackRegion>(std::move(memory), name, false);
}

std::unique_ptr<PeerWatch> LoopbackTransport::watch(const RegionName&) const { return std::make_unique<Always>(); }

}  // namespace m2n

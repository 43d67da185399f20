// This side's copy of a pair's memory, where both sides cannot map one: rows are made here and sent from here, and what the
// peer sends lands here.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_MIRROR_H
#define M2N_SRC_TRANSPORTS_NETWORK_MIRROR_H

#include <cstdlib>
#include <cstring>
#include <memory>

#include "failure.h"
#include "shared_memory.h"
#include "slot.h"

namespace m2n {

class Mirror {
 public:
  explicit Mirror(const PairLayout& layout)
      : memory_(static_cast<std::byte*>(std::aligned_alloc(kPage, layout.region_bytes))),
        view_(memory_.get(), nullptr, layout) {
    if (memory_ == nullptr)
      throw Failure(M2N_INTERNAL, sentence("no memory for a pair of %lu bytes", layout.region_bytes));
    std::memset(memory_.get(), 0, layout.region_bytes);  // every page is touched now, not by the first rows
    store(view_.header().sender.state, static_cast<uint32_t>(kConnected));
    store(view_.header().receiver.state, static_cast<uint32_t>(kConnected));
  }

  std::byte* base() const { return memory_.get(); }
  const PairView& view() const { return view_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  PairView view_;
};

}  // namespace m2n

#endif

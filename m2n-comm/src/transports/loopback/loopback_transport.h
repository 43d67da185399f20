// Endpoints of one process: regions are heap memory found through a process-wide table. For tests and simulation.
#ifndef M2N_SRC_TRANSPORTS_LOOPBACK_LOOPBACK_TRANSPORT_H
#define M2N_SRC_TRANSPORTS_LOOPBACK_LOOPBACK_TRANSPORT_H

#include "transport.h"

namespace m2n {

class LoopbackTransport final : public Transport {
 public:
  explicit LoopbackTransport(const m2n_row_memory& rows) : rows_(rows) {}
  std::unique_ptr<Region> create(uint64_t magic, uint64_t bytes, uint64_t row_memory_bytes = 0) const override;
  std::unique_ptr<Region> map(const RegionName& name, uint64_t magic, uint64_t bytes) const override;
  std::unique_ptr<PeerWatch> watch(const RegionName& name) const override;
  bool is_private() const override { return true; }

 private:
  m2n_row_memory rows_;
};

}  // namespace m2n

#endif

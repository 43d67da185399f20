// Processes of one host and one user. Regions are memfds, sealed in size and reached through /proc/<pid>/fd/<n>:
// nothing has a name in a file system, so nothing is left behind when everyone is killed, and other users cannot open
// it. Peers may be in different network namespaces, but must share the process id namespace.
#ifndef M2N_SRC_TRANSPORTS_SHM_SHM_TRANSPORT_H
#define M2N_SRC_TRANSPORTS_SHM_SHM_TRANSPORT_H

#include "transport.h"

namespace m2n {

class ShmTransport final : public Transport {
 public:
  explicit ShmTransport(const m2n_row_memory& rows);
  std::unique_ptr<Region> create(uint64_t magic, uint64_t bytes, uint64_t row_memory_bytes = 0) const override;
  std::unique_ptr<Region> map(const RegionName& name, uint64_t magic, uint64_t bytes) const override;
  bool hands_over_rows() const override { return rows_.allocate != nullptr; }
  Descriptor share_rows(const Region& region) const override;
  void map_rows(Region& region, const Descriptor& memory, uint64_t bytes) const override;
  std::unique_ptr<PeerWatch> watch(const RegionName& name) const override;
  bool is_private() const override { return false; }

 private:
  m2n_row_memory rows_;
  uint64_t started_;
};

}  // namespace m2n

#endif

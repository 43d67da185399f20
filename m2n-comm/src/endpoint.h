// What senders and receivers have in common: sizes, transport, doorbell, waiting, counters.
#ifndef M2N_SRC_ENDPOINT_H
#define M2N_SRC_ENDPOINT_H

#include <cstdint>
#include <memory>
#include <vector>

#include "bell_pipe.h"
#include "doorbell.h"
#include "link.h"
#include "m2n/m2n.h"
#include "slot.h"
#include "station.h"
#include "transport.h"
#include "waiter.h"

namespace m2n {

class Endpoint {
 public:
  // `config` has been checked.
  explicit Endpoint(const m2n_config& config);
  virtual ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  m2n_status address(uint8_t* out, uint32_t capacity, uint32_t* length) const;
  void wake() { waiter_.wake(); }
  m2n_counters counters() const;
  m2n_status rows_per_chunk(uint32_t* dispatch_rows, uint32_t* result_rows) const;

 protected:
  virtual uint32_t peer_count() const = 0;
  // The link to the receiver at `address`, over shared memory where both are on one host and have it. Throws Failure.
  std::unique_ptr<Link> connect_link(uint32_t peer, const Address& address, uint64_t until_ns);
  template <class NetworkStation>
  void add_network();
  void progress() {
    for (const auto& station : stations_) station->progress();
  }

  const m2n_config config_;
  const PairSizes sizes_;
  const PairLayout layout_;
  const std::unique_ptr<Transport> transport_;  // of the doorbell, and of shared pairs
  const BellPipe pipe_;
  const std::unique_ptr<Region> doorbell_region_;
  const Doorbell doorbell_;
  m2n_counters counters_{};
  Waiter waiter_;
  std::vector<std::unique_ptr<Station>> stations_;
};

// Throws Failure(M2N_INVALID) with a sentence that names the field.
void check_config(const m2n_config& config);

}  // namespace m2n

#endif

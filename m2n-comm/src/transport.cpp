#include "transport.h"

#include <sys/random.h>

#include "failure.h"
#include "transports/loopback/loopback_transport.h"
#include "transports/shm/shm_transport.h"

namespace m2n {

std::unique_ptr<Transport> make_transport(int32_t transport, const m2n_row_memory* rows) {
  switch (transport) {
    case M2N_LOOPBACK:
    case M2N_UCX:  // their doorbell is seen by its own process only
    case M2N_TCP:
      return std::make_unique<LoopbackTransport>(rows == nullptr ? m2n_row_memory{} : *rows);
    case M2N_SHM:
    case M2N_AUTO:
      return std::make_unique<ShmTransport>();
    default:
      throw Failure(M2N_INVALID,
                    sentence("transport %d is unknown; 0 is loopback, 1 shm, 2 ucx, 3 auto, 4 tcp", transport));
  }
}

void fill_nonce(uint64_t nonce[2]) {
  if (getrandom(nonce, 16, 0) != 16) throw Failure(M2N_INTERNAL, "the system has no random numbers (getrandom failed)");
}

}  // namespace m2n

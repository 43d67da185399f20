#include "transport.h"

#include <sys/random.h>

#include "failure.h"
#include "transports/loopback/loopback_transport.h"
#include "transports/shm/shm_transport.h"

namespace m2n {

bool shares_memory(int32_t transport) {
  return transport == M2N_SHM || transport == M2N_AUTO || transport == M2N_AUTO_UCX;
}
bool uses_tcp(int32_t transport) { return transport == M2N_TCP || transport == M2N_AUTO; }
bool uses_ucx(int32_t transport) { return transport == M2N_UCX || transport == M2N_AUTO_UCX; }

std::unique_ptr<Transport> make_transport(int32_t transport, const m2n_row_memory* rows) {
  switch (transport) {
    case M2N_LOOPBACK:
    case M2N_UCX:  // their doorbell is seen by its own process only
    case M2N_TCP:
      return std::make_unique<LoopbackTransport>(rows == nullptr ? m2n_row_memory{} : *rows);
    case M2N_SHM:
    case M2N_AUTO:
    case M2N_AUTO_UCX:
      return std::make_unique<ShmTransport>(rows == nullptr ? m2n_row_memory{} : *rows);
    default:
      throw Failure(
          M2N_INVALID,
          sentence("transport %d is unknown; 0 is loopback, 1 shm, 2 ucx, 3 auto, 4 tcp, 5 auto-ucx", transport));
  }
}

void fill_nonce(uint64_t nonce[2]) {
  if (getrandom(nonce, 16, 0) != 16) throw Failure(M2N_INTERNAL, "the system has no random numbers (getrandom failed)");
}

}  // namespace m2n

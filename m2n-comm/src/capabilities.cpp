#include "capabilities.h"

#include "failure.h"
#include "transport.h"
#include "transports/ucx/ucx_library.h"

namespace m2n {
namespace {

constexpr uint32_t kHostMemory = 1, kRowMemory = 2;
constexpr m2n_capabilities kKnown[] = {
    {M2N_LOOPBACK, 0, 0, 0, 1, kHostMemory | kRowMemory, 0, 0, "loopback"},
    {M2N_SHM, 0, 1, 0, 1, kHostMemory, 5'000, 0, "shm"},
    {M2N_UCX, 0, 1, 1, 0, kHostMemory, 10'000, 1, "ucx"},
    {M2N_AUTO, 0, 1, 1, 0, kHostMemory, 10'000, 1, "auto"},
    {M2N_TCP, 0, 1, 1, 0, kHostMemory, 10'000, 1, "tcp"},
    {M2N_AUTO_UCX, 0, 1, 1, 0, kHostMemory, 10'000, 1, "auto-ucx"},
};

}  // namespace

m2n_status capabilities_of(int32_t transport, m2n_capabilities* out) {
  for (const m2n_capabilities& known : kKnown) {
    if (known.transport != transport) continue;
    *out = known;
    try {
      make_transport(transport);
      if (uses_ucx(transport)) ucx::Library::get();
      out->available = 1;
    } catch (const Failure& failure) {
      fail(failure.status(), "%s", failure.what());
    }
    return M2N_OK;
  }
  return fail(M2N_INVALID, "transport %d is unknown; 0 is loopback, 1 shm, 2 ucx, 3 auto, 4 tcp, 5 auto-ucx",
              transport);
}

}  // namespace m2n

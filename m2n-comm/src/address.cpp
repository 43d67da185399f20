#include "address.h"

#include <cstring>

#include "failure.h"

namespace m2n {

Address parse_receiver_address(const uint8_t* bytes, uint32_t length, int32_t transport) {
  Address address;
  if (bytes == nullptr || length != sizeof address)
    throw Failure(M2N_INVALID, sentence("an address has %zu bytes, not %u", sizeof address, length));
  std::memcpy(&address, bytes, sizeof address);
  if (address.magic != kAddressMagic) throw Failure(M2N_INVALID, "these bytes are not an M2N address");
  if (address.abi != M2N_ABI_VERSION)
    throw Failure(M2N_REFUSED, sentence("the peer's library has ABI version %u where this one has %u", address.abi,
                                        M2N_ABI_VERSION));
  if (address.transport != transport)
    throw Failure(M2N_INVALID,
                  sentence("the peer uses transport %d where this endpoint uses %d", address.transport, transport));
  if (address.role != M2N_RECEIVER) throw Failure(M2N_INVALID, "only receivers can be connected to");
  return address;
}

}  // namespace m2n

// An endpoint's address: what the control plane carries to its peers. Peers may hand over anything as an address.
#ifndef M2N_SRC_ADDRESS_H
#define M2N_SRC_ADDRESS_H

#include <cstdint>

#include "m2n/m2n.h"
#include "transport.h"

namespace m2n {

constexpr uint32_t kAddressMagic = 0x414e324du;  // "M2NA"

struct Address {
  uint32_t magic;
  uint32_t abi;
  int32_t transport;
  int32_t role;
  uint32_t rank;
  uint32_t reserved;
  RegionName doorbell;
};
static_assert(sizeof(Address) == 64 && sizeof(Address) <= M2N_ADDRESS_BYTES);

// The address in `bytes`, if it is one of a receiver of this transport and ABI; throws Failure otherwise.
Address parse_receiver_address(const uint8_t* bytes, uint32_t length, int32_t transport);

}  // namespace m2n

#endif

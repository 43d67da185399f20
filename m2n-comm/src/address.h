// An endpoint's address: what the control plane carries to its peers. Peers may hand over anything as an address.
#ifndef M2N_SRC_ADDRESS_H
#define M2N_SRC_ADDRESS_H

#include <cstdint>

#include "m2n/m2n.h"
#include "transport.h"

namespace m2n {

constexpr uint32_t kAddressMagic = 0x414e324du;  // "M2NA"

// Where an endpoint is reached over a network: the socket through which connections are made.
struct NetworkPlace {
  uint16_t family;  // 4 or 6; 0: nowhere
  uint16_t port;
  uint8_t address[16];
  uint32_t reserved;
  uint64_t nonce;  // of the endpoint: the port may belong to another one by now
};
static_assert(sizeof(NetworkPlace) == 32);

// Which host this is, as far as shared memory can tell: boot, process id namespace, network namespace. Equal for two
// endpoints that may try to share memory.
struct HostId {
  uint64_t words[2];
  bool operator==(const HostId&) const = default;
  static HostId own();
};

struct Address {
  uint32_t magic;
  uint32_t abi;
  int32_t transport;
  int32_t role;
  uint32_t rank;
  uint32_t reserved;
  RegionName doorbell;
  HostId host;
  NetworkPlace place;
};
static_assert(sizeof(Address) == 112 && sizeof(Address) <= M2N_ADDRESS_BYTES);

// The address in `bytes`, if it is one of a receiver of this transport and ABI; throws Failure otherwise.
Address parse_receiver_address(const uint8_t* bytes, uint32_t length, int32_t transport);

}  // namespace m2n

#endif

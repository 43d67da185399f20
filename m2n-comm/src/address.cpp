#include "address.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "descriptor.h"
#include "failure.h"

namespace m2n {

namespace {

uint64_t mixed(uint64_t hash, const void* bytes, std::size_t length) {  // FNV-1a
  const auto* at = static_cast<const uint8_t*>(bytes);
  for (std::size_t i = 0; i < length; ++i) hash = (hash ^ at[i]) * 0x100000001b3ull;
  return hash;
}

uint64_t namespace_of(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

HostId HostId::own() {
  char boot[64] = "";
  const Descriptor file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  const ssize_t length = file ? read(file.get(), boot, sizeof boot) : 0;
  const uint64_t names[2] = {namespace_of("/proc/self/ns/pid"), namespace_of("/proc/self/ns/net")};
  return {{mixed(0xcbf29ce484222325ull, boot, length > 0 ? static_cast<std::size_t>(length) : 0),
           mixed(0xcbf29ce484222325ull, names, sizeof names)}};
}

Address parse_receiver_address(const uint8_t* bytes, uint32_t length, int32_t transport) {
  Address address;
  if (bytes == nullptr || length != sizeof address)
    throw Failure(M2N_INVALID, sentence("an address has %zu bytes, not %u", sizeof address, length));
  std::memcpy(&address, bytes, sizeof address);
  if (address.magic != kAddressMagic) throw Failure(M2N_INVALID, "these bytes are not an M2N address");
  if (address.abi != M2N_ABI_VERSION)
    throw Failure(M2N_REFUSED, sentence("the peer's library has ABI version %u where this one has %u", address.abi,
                                        M2N_ABI_VERSION));
  const int32_t theirs = address.transport;
  const bool meet = theirs == transport || (shares_memory(theirs) && shares_memory(transport)) ||
                    (uses_tcp(theirs) && uses_tcp(transport)) || (uses_ucx(theirs) && uses_ucx(transport));
  if (!meet)
    throw Failure(M2N_INVALID,
                  sentence("the peer uses transport %d where this endpoint uses %d", address.transport, transport));
  if (address.role != M2N_RECEIVER) throw Failure(M2N_INVALID, "only receivers can be connected to");
  return address;
}

}  // namespace m2n

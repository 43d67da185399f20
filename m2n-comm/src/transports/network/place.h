// Places on a network: the one interface that an endpoint uses, listening there, and reaching others from there.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_PLACE_H
#define M2N_SRC_TRANSPORTS_NETWORK_PLACE_H

#include <string>

#include "address.h"
#include "descriptor.h"
#include "m2n/m2n.h"

namespace m2n {

std::string interface_of(const m2n_config& config);
// The address of a network interface by name, with no port and a new nonce. Throws Failure if there is no such
// interface, or it has no address.
NetworkPlace interface_place(const std::string& name);
// What a connection is for: a few words, or rows, whose sockets start with wide buffers.
enum class Traffic { kWords, kRows };
// A socket that listens there; fills in the port.
Descriptor listen_at(NetworkPlace* place, Traffic traffic);
// A socket under way to `to` from the interface at `from`; ready when it can be written.
Descriptor connect_from(const NetworkPlace& from, const NetworkPlace& to, Traffic traffic);
// 0 if the connection stands, else its errno.
int connection_error(const Descriptor& socket);
void set_option(int socket, int level, int option, int value);

}  // namespace m2n

#endif

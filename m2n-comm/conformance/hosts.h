// Hosts that are network namespaces of this machine.
#ifndef M2N_CONFORMANCE_HOSTS_H
#define M2N_CONFORMANCE_HOSTS_H

#include <string>

namespace m2n::conformance {

// Moves this process into the namespace; false with the reason on stderr. For a process of one thread.
bool enter_host(const std::string& name);

}  // namespace m2n::conformance

#endif

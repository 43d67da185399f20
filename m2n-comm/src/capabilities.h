// What each transport promises, as data.
#ifndef M2N_SRC_CAPABILITIES_H
#define M2N_SRC_CAPABILITIES_H

#include "m2n/m2n.h"

namespace m2n {

m2n_status capabilities_of(int32_t transport, m2n_capabilities* out);

}  // namespace m2n

#endif

// Comparing the cluster's secret.
#ifndef M2N_SRC_SECRET_H
#define M2N_SRC_SECRET_H

#include <cstdint>

#include "m2n/m2n.h"

namespace m2n {

// In time that does not depend on where the first difference is.
inline bool is_same_secret(const uint8_t* left, const uint8_t* right) {
  uint8_t difference = 0;
  for (int i = 0; i < M2N_SECRET_BYTES; ++i) difference = static_cast<uint8_t>(difference | (left[i] ^ right[i]));
  return difference == 0;
}

}  // namespace m2n

#endif

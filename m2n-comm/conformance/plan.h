// What one run of the conformance runner does, from its command line.
#ifndef M2N_CONFORMANCE_PLAN_H
#define M2N_CONFORMANCE_PLAN_H

#include <cstdint>
#include <string>
#include <vector>

#include "m2n/m2n.h"

namespace m2n::conformance {

enum class Mode {
  kSteady,  // everybody stays; every piece is served exactly once
  kChurn,   // receivers leave and come back as others, senders disconnect and abandon tickets
  kKills,   // and processes are killed
};

struct Options {
  m2n_transport transport = M2N_SHM;
  std::string interface = "lo";
  std::vector<std::string> hosts;  // network namespaces; members are spread over them in turn
  uint32_t senders_from = 1, senders_to = 4;
  uint32_t receivers_from = 1, receivers_to = 4;
  uint64_t first_seed = 0, seeds = 1;
  uint32_t rounds = 40;
  uint32_t kills = 3;  // of one cluster, in Mode::kKills
  uint32_t limit_s = 120;
  std::vector<Mode> modes{Mode::kSteady, Mode::kChurn};
  bool verbose = false;
};

// One cluster: its members, what they do, and the seed of all their choices.
struct Plan {
  const Options* options;
  Mode mode;
  uint32_t senders;
  uint32_t receivers;
  uint64_t seed;
};

inline const char* name_of(Mode mode) {
  return mode == Mode::kSteady ? "steady" : mode == Mode::kChurn ? "churn" : "kills";
}

}  // namespace m2n::conformance

#endif

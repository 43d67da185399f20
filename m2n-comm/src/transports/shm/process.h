// What the shm transport asks about processes.
#ifndef M2N_SRC_TRANSPORTS_SHM_PROCESS_H
#define M2N_SRC_TRANSPORTS_SHM_PROCESS_H

#include <cstdint>

#include "descriptor.h"

namespace m2n {

// The process' start time in clock ticks since boot; 0 if there is no such process.
uint64_t start_time(uint32_t pid);

// A descriptor that becomes readable when the process has ended; empty if there is no such process.
Descriptor open_process(uint32_t pid);

// Whether the process behind open_process' descriptor has ended.
bool has_ended(const Descriptor& process);

}  // namespace m2n

#endif

// What one member of a cluster does, whether it is a thread or a process.
#ifndef M2N_CONFORMANCE_MEMBER_H
#define M2N_CONFORMANCE_MEMBER_H

#include "board.h"
#include "plan.h"

namespace m2n::conformance {

void run_receiver(const Plan& plan, Board& board, uint32_t rank);
void run_sender(const Plan& plan, Board& board, uint32_t rank);

}  // namespace m2n::conformance

#endif

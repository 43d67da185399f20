// How memory of m2n_row_memory reaches a peer's process. It is no memory of ours, so a descriptor is all there is of it,
// and the descriptors of some (a GPU's) cannot be opened through /proc: they are sent over a socket. The receiver's door
// is a socket of the abstract namespace, named after its doorbell; a sender hands over before it asks for its
// connection, so that nobody ever waits for the other. Both are processes of one user, of one network namespace.
#ifndef M2N_SRC_TRANSPORTS_SHM_ROW_DOOR_H
#define M2N_SRC_TRANSPORTS_SHM_ROW_DOOR_H

#include <cstdint>
#include <vector>

#include "descriptor.h"
#include "transport.h"

namespace m2n {

class RowDoor {
 public:
  // `nonce`: of the receiver's doorbell. Throws Failure(M2N_INTERNAL).
  explicit RowDoor(const uint64_t (&nonce)[2]);

  // What came for the pair of this nonce. Throws Failure(M2N_INVALID) if nothing has.
  Descriptor take(const uint64_t (&pair_nonce)[2]);

  // Now and then: lets go of what nobody has asked for.
  void tidy(uint64_t now);

  // For the sender; `memory` may be closed afterwards. Throws Failure(M2N_REFUSED) if the receiver has no door, or it is
  // crowded, M2N_PEER_LOST if another process has taken its place.
  static void hand_over(const RegionName& doorbell, const uint64_t (&pair_nonce)[2], const Descriptor& memory);

 private:
  struct Guest {
    Descriptor connection;
    uint64_t since_ns;
  };
  struct Arrived {
    uint64_t nonce[2];
    Descriptor memory;
    uint64_t since_ns;
  };

  void let_in();
  // Whether the guest has said what there is to say, sense or nonsense.
  bool hear(const Guest& guest);

  Descriptor door_;
  std::vector<Guest> guests_;     // oldest first, as are the next
  std::vector<Arrived> arrived_;  // not yet asked for
};

}  // namespace m2n

#endif

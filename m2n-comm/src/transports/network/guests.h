// Those who have called at a receiver over a network and have not been admitted yet: each may say one join, within a
// time; nobody learns anything who does not have the secret.
#ifndef M2N_SRC_TRANSPORTS_NETWORK_GUESTS_H
#define M2N_SRC_TRANSPORTS_NETWORK_GUESTS_H

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "connect_table.h"
#include "station.h"
#include "transports/network/control.h"
#include "transports/network/place.h"

namespace m2n {

class Guests {
 public:
  // Is told each new connection, so that its owner looks here when it can be read.
  using Watch = std::function<void(int descriptor)>;
  // Takes a guest whose join is good: its connection, and what the join was followed by.
  using Admit = std::function<void(const JoinFrame& join, std::span<const std::byte> tail, Control control)>;

  // Not listening yet.
  Guests(int32_t transport, const m2n_config& config, const PairSizes& sizes)
      : transport_(transport), config_(config), sizes_(sizes) {}

  void listen(NetworkPlace* place, Traffic traffic);
  void close();
  int listener() const { return listener_.get(); }

  // Accepts who calls and reads what they say, without waiting; counts in `invalid` what is no join.
  void look(const Watch& watch, uint64_t* invalid);
  bool has_joined() const { return has_joined_; }
  // Answers everybody who has said a whole join; a no is answered here, a yes is the owner's to say.
  void answer(const Station::HasRoom& has_room, const Admit& admit);
  void forget_silent(uint64_t now);

  static void refuse(Control& control, Refusal refusal);

 private:
  struct Guest {
    Control control;
    uint64_t since_ns;
    bool has_joined;
  };

  void read(uint64_t* invalid);
  Refusal judge(const JoinFrame& join, const Station::HasRoom& has_room) const;

  int32_t transport_;
  const m2n_config& config_;
  const PairSizes& sizes_;
  uint64_t nonce_ = 0;
  Descriptor listener_;
  std::vector<Guest> guests_;
  bool has_joined_ = false;
};

}  // namespace m2n

#endif

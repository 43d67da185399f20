// The receiver's half of connecting: reads the requests in its own doorbell region, checks them, maps what they name,
// answers.
#ifndef M2N_SRC_ACCEPTOR_H
#define M2N_SRC_ACCEPTOR_H

#include <array>
#include <cstdint>
#include <memory>

#include "connect_table.h"
#include "doorbell.h"
#include "receiver_pair.h"
#include "station.h"
#include "transport.h"
#include "transports/shm/row_door.h"

namespace m2n {

class Acceptor {
 public:
  Acceptor(const m2n_config& config, const PairSizes& sizes, const PairLayout& layout, const Transport& transport,
           const Doorbell& own)
      : config_(config), sizes_(sizes), layout_(layout), transport_(transport), own_(own) {
    if (config.role == M2N_RECEIVER && transport.hands_over_rows())
      row_door_ = std::make_unique<RowDoor>(own.shared().region.nonce);
  }

  // Whether something was announced since the last accept().
  bool has_news() const;

  // Answers every announced request.
  using HasRoom = Station::HasRoom;
  using Add = Station::Add;
  void accept(const HasRoom& has_room, const Add& add);

  // Takes back entries whose senders have died half way.
  void reclaim(uint64_t now);

 private:
  Refusal check(const ConnectRequest& request) const;
  std::shared_ptr<ReceiverPair> make_pair(const ConnectRequest& request) const;
  void answer(ConnectEntry& entry, uint64_t word, const HasRoom& has_room, const Add& add) const;

  const m2n_config& config_;
  const PairSizes& sizes_;
  const PairLayout& layout_;
  const Transport& transport_;
  const Doorbell& own_;
  std::unique_ptr<RowDoor> row_door_;  // where row memory is handed over
  uint64_t seen_ = 0;
  struct Watched {
    uint64_t word = 0;
    uint64_t since_ns = 0;
  };
  std::array<Watched, kConnectEntries> watched_{};
};

}  // namespace m2n

#endif

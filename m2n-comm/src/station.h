// One way by which an endpoint meets others: how senders ask for a connection and receivers answer. An endpoint has one
// station, or two where it reaches its own host and others.
#ifndef M2N_SRC_STATION_H
#define M2N_SRC_STATION_H

#include <cstdint>
#include <functional>
#include <memory>

#include "address.h"
#include "connect_table.h"
#include "link.h"
#include "receiver_pair.h"

namespace m2n {

class Station {
 public:
  // Whether a sender's rank may connect now.
  using HasRoom = std::function<Refusal(uint32_t rank)>;
  // Takes the new pair; its sender may start at once.
  using Add = std::function<void(std::shared_ptr<ReceiverPair>)>;

  virtual ~Station() = default;
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  // Adds to the endpoint's address how this station is reached.
  virtual void describe(Address& address) const = 0;
  // For senders: the link to the receiver at `address`. Throws Failure with what m2n_connect returns.
  virtual std::unique_ptr<Link> connect(uint32_t peer, const Address& address, uint64_t until_ns) = 0;
  // For receivers: answers the requests that have come.
  virtual bool has_news() const = 0;
  virtual void accept(const HasRoom& has_room, const Add& add) = 0;
  // Now and then: forgets requests whose senders have died.
  virtual void keep_house(uint64_t now) = 0;
  // Moves what can be moved without waiting; called at every look.
  virtual void progress() = 0;

 protected:
  Station() = default;
};

}  // namespace m2n

#endif

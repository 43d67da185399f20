// One end of a connected pair, as its transport provides it: the pair's memory (shared with the peer, or this side's
// mirror of it), and how what was written there reaches the other side. Slots, tickets and checks are the same code for
// all transports; they only see this.
#ifndef M2N_SRC_LINK_H
#define M2N_SRC_LINK_H

#include <cstdint>
#include <memory>
#include <span>

#include "slot.h"

namespace m2n {

// What of one message is to be published now: chunks [first, first + count) of `chunks`.
struct Publication {
  uint32_t slot;
  uint32_t rows;  // rows of a dispatch, pairs of a result
  uint32_t pairs;
  uint32_t groups;
  uint32_t chunks;
  uint32_t first;
  uint32_t count;
  uint64_t counter;  // as in PairEnd::arrived, once these chunks are there
};

class Link {
 public:
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The transport that carries this pair: M2N_LOOPBACK, M2N_SHM, M2N_UCX or M2N_TCP.
  virtual int32_t transport() const = 0;
  virtual std::byte* base() const = 0;
  // Where rows and results lie; nullptr: in the pair's memory.
  virtual std::byte* row_memory() const { return nullptr; }
  virtual void publish_dispatch(const Publication& publication) = 0;
  virtual void publish_result(const Publication& publication) = 0;
  // Wakes the peer if it sleeps over what was published.
  virtual void ring() = 0;
  // Tells the peer that this end is closed. What was published before still reaches it.
  virtual void leave() = 0;
  // Whether the peer is there, as far as can be known without waiting.
  virtual bool alive() = 0;
  // Whether bytes of this slot are still being read by the transport, so that the slot must not be written again.
  virtual bool is_sending(uint32_t slot) const = 0;

 protected:
  Link() = default;
};

}  // namespace m2n

#endif

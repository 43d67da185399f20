// What a transport is: a way to make memory that a peer can map, to map the peer's, to know whether the peer lives, and
// to sleep on a shared word. Everything else (slots, doorbells, waiting, gathering) is the same code for all
// transports.
#ifndef M2N_SRC_TRANSPORT_H
#define M2N_SRC_TRANSPORT_H

#include <cstddef>
#include <cstdint>
#include <memory>

#include "descriptor.h"
#include "m2n/m2n.h"

namespace m2n {

// How a peer finds a region. Travels in addresses and connect requests, so it may be anything when it arrives: map()
// and watch() check it.
struct RegionName {
  uint32_t pid;
  int32_t descriptor;
  uint64_t started;   // the process' start time: a process id alone may be used again
  uint64_t nonce[2];  // random, repeated at the start of the region
  uint64_t bytes;
};
static_assert(sizeof(RegionName) == 40);

// The start of every region.
struct RegionHeader {
  uint64_t magic;
  uint64_t nonce[2];
  uint64_t bytes;
};
static_assert(sizeof(RegionHeader) == 32);

// Memory mapped here; unmapped by the destructor. Zero when created, apart from its RegionHeader.
class Region {
 public:
  virtual ~Region() = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::byte* base() const { return base_; }
  // Memory of m2n_row_memory that belongs to it; nullptr: none.
  virtual std::byte* row_memory() const { return nullptr; }
  const RegionName& name() const { return name_; }
  // Called by the creator once the peer has mapped it: from now on nobody can reach the region by its name.
  virtual void unname() {}

 protected:
  Region(std::byte* base, const RegionName& name) : base_(base), name_(name) {}
  std::byte* base_;
  RegionName name_;
};

// Tells whether the process that made a region still lives.
class PeerWatch {
 public:
  virtual ~PeerWatch() = default;
  virtual bool alive() const = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::unique_ptr<Region> create(uint64_t magic, uint64_t bytes, uint64_t row_memory_bytes = 0) const = 0;
  // Maps a peer's region of exactly `bytes`, which differ where one side has its rows elsewhere. Throws
  // Failure(M2N_PEER_LOST) if it is gone, M2N_INVALID if it is not what its name says.
  virtual std::unique_ptr<Region> map(const RegionName& name, uint64_t magic, uint64_t bytes) const = 0;
  // Whether m2n_row_memory is a region's on one side only until it was handed to the other, as a descriptor.
  virtual bool hands_over_rows() const { return false; }
  // A descriptor of the row memory of a region created here.
  virtual Descriptor share_rows(const Region&) const { return Descriptor(); }
  // Gives a mapped region the row memory of its creator. Throws Failure(M2N_INVALID) if it is not what it should be.
  virtual void map_rows(Region&, const Descriptor&, uint64_t) const {}
  virtual std::unique_ptr<PeerWatch> watch(const RegionName& name) const = 0;
  // Whether the words slept on are seen by one process only.
  virtual bool is_private() const = 0;
};

// Ways that an endpoint of a transport has to its peers.
bool shares_memory(int32_t transport);
bool uses_tcp(int32_t transport);
bool uses_ucx(int32_t transport);

// `rows` for M2N_LOOPBACK and M2N_SHM only.
std::unique_ptr<Transport> make_transport(int32_t transport, const m2n_row_memory* rows = nullptr);

// 128 random bits.
void fill_nonce(uint64_t nonce[2]);

}  // namespace m2n

#endif

#include "endpoint.h"

#include <cstring>

#include "address.h"
#include "failure.h"
#include "shared_memory.h"
#include "shared_station.h"
#include "transports/tcp/tcp_station.h"
#include "transports/ucx/ucx_station.h"

namespace m2n {
namespace {

constexpr uint64_t kMaxRegionBytes = uint64_t{1} << 36;
constexpr uint32_t kMaxCount = 1u << 20;  // rows, pairs, groups of a slot
constexpr uint32_t kMaxRowBytes = 1u << 24;
constexpr uint32_t kMaxBudgetUs = 1'000'000;

void check_range(const char* field, uint32_t value, uint32_t low, uint32_t high) {
  if (value < low || value > high)
    throw Failure(M2N_INVALID, sentence("%s is %u; it must be %u..%u", field, value, low, high));
}

bool has_network(int32_t transport) { return uses_ucx(transport) || uses_tcp(transport); }

PairSizes sizes_of(const m2n_config& config) {
  return {config.slots, config.max_rows, config.max_pairs, config.max_groups, config.row_bytes, config.result_bytes};
}

// What the caller need not keep is not kept.
m2n_config kept(m2n_config config) {
  config.row_memory = nullptr;
  return config;
}

}  // namespace

void check_config(const m2n_config& config) {
  if (config.struct_bytes != sizeof(m2n_config))
    throw Failure(M2N_INVALID,
                  sentence("m2n_config has %u bytes for the caller and %zu here: header and library differ",
                           config.struct_bytes, sizeof(m2n_config)));
  if (config.role != M2N_SENDER && config.role != M2N_RECEIVER)
    throw Failure(M2N_INVALID, sentence("role is %d; it must be 0 (sender) or 1 (receiver)", config.role));
  check_range("max_peers", config.max_peers, 1, kMaxPeers);
  check_range("slots", config.slots, 1, kMaxSlots);
  check_range("max_rows", config.max_rows, 1, kMaxCount);
  check_range("max_pairs", config.max_pairs, 1, kMaxCount);
  check_range("max_groups", config.max_groups, 1, kMaxCount);
  check_range("row_bytes", config.row_bytes, 1, kMaxRowBytes);
  check_range("result_bytes", config.result_bytes, 1, kMaxRowBytes);
  check_range("spin_us", config.spin_us, 0, kMaxBudgetUs);
  check_range("yield_us", config.yield_us, 0, kMaxBudgetUs);
  check_range("reserved", config.reserved, 0, 0);
  if (config.row_memory != nullptr) {
    const m2n_row_memory& rows = *config.row_memory;
    if (config.transport != M2N_LOOPBACK && config.transport != M2N_SHM)
      throw Failure(M2N_INVALID,
                    "row_memory is for M2N_LOOPBACK and M2N_SHM: other transports have rows in the pairs' regions");
    if (rows.allocate == nullptr || rows.release == nullptr)
      throw Failure(M2N_INVALID, "row_memory needs both allocate and release");
    if (config.transport == M2N_SHM && (rows.share == nullptr || rows.map == nullptr))
      throw Failure(M2N_INVALID, "row_memory of M2N_SHM needs share and map: the peer is another process");
  }
  const uint64_t region_bytes = PairLayout::of(sizes_of(config)).region_bytes;
  if (region_bytes > kMaxRegionBytes)
    throw Failure(M2N_INVALID,
                  sentence("a pair would need %lu bytes, more than %lu: fewer slots, rows or pairs, please",
                           region_bytes, kMaxRegionBytes));
}

Endpoint::Endpoint(const m2n_config& config)
    : config_(kept(config)),
      sizes_(sizes_of(config)),
      layout_(PairLayout::of(sizes_, config.row_memory != nullptr)),
      transport_(make_transport(config.transport, config.row_memory)),
      pipe_(has_network(config.transport)),
      doorbell_region_(transport_->create(kDoorbellMagic, kDoorbellBytes)),
      doorbell_(*doorbell_region_, transport_->is_private(), pipe_.writing_end()),
      waiter_(doorbell_, uint64_t{config.spin_us} * 1000, uint64_t{config.yield_us} * 1000, counters_) {
  DoorbellShared& shared = doorbell_.shared();
  shared.abi = M2N_ABI_VERSION;
  shared.role = static_cast<uint32_t>(config.role);
  shared.rank = config.rank;
  shared.pipe = pipe_.writing_end() > 0 ? pipe_.writing_end() : 0;
  if (config.transport == M2N_LOOPBACK || shares_memory(config.transport)) {
    const int32_t kind = config.transport == M2N_LOOPBACK ? M2N_LOOPBACK : M2N_SHM;
    stations_.push_back(std::make_unique<SharedStation>(kind, config_, sizes_, layout_, *transport_, *doorbell_region_,
                                                        doorbell_, waiter_));
  }
  if (uses_ucx(config.transport)) add_network<UcxStation>();
  if (uses_tcp(config.transport)) add_network<TcpStation>();
  store(shared.state, static_cast<uint32_t>(kConnected));
}

template <class NetworkStation>
void Endpoint::add_network() {
  auto station = std::make_unique<NetworkStation>(config_, sizes_, layout_, pipe_, counters_);
  waiter_.sleep_in(station.get());
  stations_.push_back(std::move(station));
}

Endpoint::~Endpoint() { store(doorbell_.shared().state, static_cast<uint32_t>(kClosed)); }

m2n_status Endpoint::address(uint8_t* out, uint32_t capacity, uint32_t* length) const {
  Address address{
      kAddressMagic, M2N_ABI_VERSION, config_.transport, config_.role, config_.rank, 0, {}, HostId::own(), {}};
  if (out == nullptr || length == nullptr || capacity < sizeof address)
    return fail(M2N_INVALID, "an address needs room for %zu bytes", sizeof address);
  for (const auto& station : stations_) station->describe(address);
  std::memcpy(out, &address, sizeof address);
  *length = sizeof address;
  return M2N_OK;
}

std::unique_ptr<Link> Endpoint::connect_link(uint32_t peer, const Address& address, uint64_t until_ns) {
  if (stations_.size() == 1) return stations_.front()->connect(peer, address, until_ns);
  const bool share = shares_memory(address.transport) && address.host == HostId::own();
  const bool reach = (uses_tcp(address.transport) && uses_tcp(config_.transport)) ||
                     (uses_ucx(address.transport) && uses_ucx(config_.transport));
  if (share) {
    try {
      return stations_.front()->connect(peer, address, until_ns);
    } catch (const Failure& failure) {
      // Another user's process, say: what memory cannot do a network may.
      if (failure.status() != M2N_INVALID || !reach) throw;
    }
  }
  if (!reach)
    throw Failure(M2N_INVALID,
                  sentence("receiver %u is on another host and has no network transport of this endpoint's", peer));
  return stations_.back()->connect(peer, address, until_ns);
}

m2n_status Endpoint::rows_per_chunk(uint32_t* dispatch_rows, uint32_t* result_rows) const {
  if (dispatch_rows == nullptr || result_rows == nullptr) return fail(M2N_INVALID, "the outputs must not be NULL");
  *dispatch_rows = layout_.rows_per_chunk;
  *result_rows = layout_.results_per_chunk;
  return M2N_OK;
}

m2n_counters Endpoint::counters() const {
  m2n_counters counters = counters_;
  counters.peers = peer_count();
  return counters;
}

}  // namespace m2n

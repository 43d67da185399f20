#include "endpoint.h"

#include <cstring>

#include "address.h"
#include "failure.h"

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

PairSizes sizes_of(const m2n_config& config) {
  return {config.slots, config.max_rows, config.max_pairs, config.max_groups, config.row_bytes, config.result_bytes};
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
  const uint64_t region_bytes = PairLayout::of(sizes_of(config)).region_bytes;
  if (region_bytes > kMaxRegionBytes)
    throw Failure(M2N_INVALID,
                  sentence("a pair would need %lu bytes, more than %lu: fewer slots, rows or pairs, please",
                           region_bytes, kMaxRegionBytes));
}

Endpoint::Endpoint(const m2n_config& config)
    : config_(config),
      sizes_(sizes_of(config)),
      layout_(PairLayout::of(sizes_)),
      transport_(make_transport(config.transport)),
      doorbell_region_(transport_->create(kDoorbellMagic, kDoorbellBytes)),
      doorbell_(doorbell_of(*doorbell_region_)),
      waiter_(doorbell_, uint64_t{config.spin_us} * 1000, uint64_t{config.yield_us} * 1000, counters_) {
  DoorbellShared& shared = doorbell_.shared();
  shared.abi = M2N_ABI_VERSION;
  shared.role = static_cast<uint32_t>(config.role);
  shared.rank = config.rank;
  store(shared.state, static_cast<uint32_t>(kConnected));
}

Endpoint::~Endpoint() { store(doorbell_.shared().state, static_cast<uint32_t>(kClosed)); }

m2n_status Endpoint::address(uint8_t* out, uint32_t capacity, uint32_t* length) const {
  const Address address{kAddressMagic,           M2N_ABI_VERSION, config_.transport, config_.role, config_.rank, 0,
                        doorbell_region_->name()};
  if (out == nullptr || length == nullptr || capacity < sizeof address)
    return fail(M2N_INVALID, "an address needs room for %zu bytes", sizeof address);
  std::memcpy(out, &address, sizeof address);
  *length = sizeof address;
  return M2N_OK;
}

m2n_counters Endpoint::counters() const {
  m2n_counters counters = counters_;
  counters.peers = peer_count();
  return counters;
}

}  // namespace m2n

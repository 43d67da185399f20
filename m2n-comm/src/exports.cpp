// The C exports: each finds the endpoint's side, calls it inside the one guard, and nothing else.
#include <memory>

#include "capabilities.h"
#include "failure.h"
#include "m2n/m2n.h"
#include "receiver.h"
#include "sender.h"

// Exactly one of the two is set.
struct m2n_endpoint {
  std::unique_ptr<m2n::Sender> sender;
  std::unique_ptr<m2n::Receiver> receiver;

  m2n::Endpoint& common() const { return sender != nullptr ? static_cast<m2n::Endpoint&>(*sender) : *receiver; }
};

namespace {

using m2n::fail;

// The only catch-all of the library: nothing thrown crosses the border.
template <class Call>
m2n_status guarded(Call&& call) noexcept {
  try {
    return call();
  } catch (const m2n::Failure& failure) {
    return fail(failure.status(), "%s", failure.what());
  } catch (const std::bad_alloc&) {
    return fail(M2N_INTERNAL, "out of memory");
  } catch (const std::exception& error) {
    return fail(M2N_INTERNAL, "%s", error.what());
  } catch (...) {
    return fail(M2N_INTERNAL, "unknown failure");
  }
}

template <class Call>
m2n_status with_endpoint(const m2n_endpoint* endpoint, Call&& call) noexcept {
  return guarded(
      [&] { return endpoint == nullptr ? fail(M2N_INVALID, "the endpoint is NULL") : call(endpoint->common()); });
}

template <class Call>
m2n_status with_sender(const m2n_endpoint* endpoint, Call&& call) noexcept {
  return guarded([&] {
    return endpoint == nullptr || !endpoint->sender ? fail(M2N_INVALID, "only a sender can do this")
                                                    : call(*endpoint->sender);
  });
}

template <class Call>
m2n_status with_receiver(const m2n_endpoint* endpoint, Call&& call) noexcept {
  return guarded([&] {
    return endpoint == nullptr || !endpoint->receiver ? fail(M2N_INVALID, "only a receiver can do this")
                                                      : call(*endpoint->receiver);
  });
}

}  // namespace

extern "C" {

uint32_t m2n_abi_version(void) { return M2N_ABI_VERSION; }

const char* m2n_last_error(void) { return m2n::last_error(); }

uint32_t m2n_struct_bytes(int32_t which) {
  switch (which) {
    case M2N_STRUCT_CONFIG:
      return sizeof(m2n_config);
    case M2N_STRUCT_GROUP:
      return sizeof(m2n_group);
    case M2N_STRUCT_SLOT_VIEW:
      return sizeof(m2n_slot_view);
    case M2N_STRUCT_MESSAGE:
      return sizeof(m2n_message);
    case M2N_STRUCT_RESULT:
      return sizeof(m2n_result);
    case M2N_STRUCT_PIECE:
      return sizeof(m2n_piece);
    case M2N_STRUCT_BATCH:
      return sizeof(m2n_batch);
    case M2N_STRUCT_GATHER:
      return sizeof(m2n_gather);
    case M2N_STRUCT_COUNTERS:
      return sizeof(m2n_counters);
    case M2N_STRUCT_CAPABILITIES:
      return sizeof(m2n_capabilities);
    default:
      return 0;
  }
}

m2n_status m2n_transport_capabilities(int32_t transport, m2n_capabilities* out) {
  return guarded([&] {
    if (out == nullptr) return fail(M2N_INVALID, "out must not be NULL");
    return m2n::capabilities_of(transport, out);
  });
}

m2n_status m2n_endpoint_open(const m2n_config* config, m2n_endpoint** out) {
  return guarded([&]() -> m2n_status {
    if (config == nullptr || out == nullptr) return fail(M2N_INVALID, "config and out must not be NULL");
    m2n::check_config(*config);
    auto endpoint = std::make_unique<m2n_endpoint>();
    if (config->role == M2N_SENDER)
      endpoint->sender = std::make_unique<m2n::Sender>(*config);
    else
      endpoint->receiver = std::make_unique<m2n::Receiver>(*config);
    *out = endpoint.release();
    return M2N_OK;
  });
}

void m2n_endpoint_close(m2n_endpoint* endpoint) { delete endpoint; }

m2n_status m2n_endpoint_address(m2n_endpoint* endpoint, uint8_t* out, uint32_t capacity, uint32_t* length) {
  return with_endpoint(endpoint, [&](m2n::Endpoint& common) { return common.address(out, capacity, length); });
}

void m2n_wake(m2n_endpoint* endpoint) {
  if (endpoint != nullptr) endpoint->common().wake();
}

m2n_status m2n_endpoint_counters(m2n_endpoint* endpoint, m2n_counters* out) {
  return with_endpoint(endpoint, [&](m2n::Endpoint& common) {
    if (out == nullptr) return fail(M2N_INVALID, "out must not be NULL");
    *out = common.counters();
    return M2N_OK;
  });
}

m2n_status m2n_connect(m2n_endpoint* endpoint, uint32_t peer, const uint8_t* address, uint32_t length,
                       uint32_t wait_us) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.connect(peer, address, length, wait_us); });
}

m2n_status m2n_disconnect(m2n_endpoint* endpoint, uint32_t peer) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.disconnect(peer); });
}

m2n_status m2n_peer_state(m2n_endpoint* endpoint, uint32_t peer) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.peer_state(peer); });
}

m2n_status m2n_peer_transport(m2n_endpoint* endpoint, uint32_t peer, int32_t* transport) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.peer_transport(peer, transport); });
}

m2n_status m2n_slot_open(m2n_endpoint* endpoint, uint32_t slot, uint32_t peer, uint32_t rows, uint32_t pairs,
                         uint32_t groups, m2n_slot_view* out) {
  return with_sender(endpoint,
                     [&](m2n::Sender& sender) { return sender.slot_open(slot, peer, rows, pairs, groups, out); });
}

m2n_status m2n_dispatch(m2n_endpoint* endpoint, uint32_t slot, const m2n_message* message, m2n_ticket* out) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.dispatch(slot, message, true, out); });
}

m2n_status m2n_dispatch_begin(m2n_endpoint* endpoint, uint32_t slot, const m2n_message* message, m2n_ticket* out) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.dispatch(slot, message, false, out); });
}

m2n_status m2n_dispatch_rows(m2n_endpoint* endpoint, m2n_ticket ticket, uint32_t peer, uint32_t rows) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.dispatch_rows(ticket, peer, rows); });
}

m2n_status m2n_rows_per_chunk(m2n_endpoint* endpoint, uint32_t* dispatch_rows, uint32_t* result_rows) {
  return with_endpoint(endpoint,
                       [&](m2n::Endpoint& common) { return common.rows_per_chunk(dispatch_rows, result_rows); });
}

m2n_status m2n_results_wait(m2n_endpoint* endpoint, m2n_ticket ticket, uint32_t peer, uint32_t pairs, uint32_t wait_us,
                            const void** rows, uint32_t* available) {
  return with_sender(endpoint, [&](m2n::Sender& sender) {
    return sender.results_wait(ticket, peer, pairs, wait_us, rows, available);
  });
}

m2n_status m2n_rows_wait(m2n_endpoint* endpoint, const m2n_batch* batch, uint32_t piece, uint32_t rows,
                         uint32_t wait_us, uint32_t* available) {
  return with_receiver(
      endpoint, [&](m2n::Receiver& receiver) { return receiver.rows_wait(batch, piece, rows, wait_us, available); });
}

m2n_status m2n_return_rows(m2n_endpoint* endpoint, const m2n_batch* batch, uint32_t piece, uint32_t pairs) {
  return with_receiver(endpoint, [&](m2n::Receiver& receiver) { return receiver.return_rows(batch, piece, pairs); });
}

m2n_status m2n_combine(m2n_endpoint* endpoint, m2n_ticket ticket, uint32_t wait_us, m2n_result* results,
                       uint32_t capacity, uint32_t* count) {
  return with_sender(endpoint,
                     [&](m2n::Sender& sender) { return sender.combine(ticket, wait_us, results, capacity, count); });
}

m2n_status m2n_release(m2n_endpoint* endpoint, m2n_ticket ticket) {
  return with_sender(endpoint, [&](m2n::Sender& sender) { return sender.release(ticket); });
}

m2n_status m2n_receive(m2n_endpoint* endpoint, const m2n_gather* gather, uint32_t wait_us, m2n_batch* out) {
  return with_receiver(endpoint, [&](m2n::Receiver& receiver) { return receiver.receive(gather, wait_us, out); });
}

m2n_status m2n_return(m2n_endpoint* endpoint, const m2n_batch* batch, int32_t status, uint64_t compute_ns) {
  return with_receiver(endpoint,
                       [&](m2n::Receiver& receiver) { return receiver.return_batch(batch, status, compute_ns); });
}

m2n_status m2n_return_piece(m2n_endpoint* endpoint, const m2n_batch* batch, uint32_t piece, int32_t status,
                            uint64_t compute_ns) {
  return with_receiver(
      endpoint, [&](m2n::Receiver& receiver) { return receiver.return_piece(batch, piece, status, compute_ns); });
}

}  // extern "C"

#include "transports/ucx/ucx_worker.h"

#include <cstdlib>
#include <cstring>

#include "failure.h"

namespace m2n::ucx {
namespace {

// With its default segments of 8 KiB, UCX over TCP takes 2.5 times as long as with these.
constexpr const char* kSegmentBytes = "160k";

void check(const Library& library, Status status, const char* what) {
  if (status != kOk) throw Failure(M2N_INTERNAL, sentence("UCX: %s: %s", what, library.status_string(status)));
}

// The user's own setting in the environment wins. An option that this UCX does not know is no failure.
void prefer(const Library& library, Config* config, const char* name, const char* value) {
  if (std::getenv((std::string("UCX_") + name).c_str()) == nullptr) library.config_modify(config, name, value);
}

// The options of a transport have a prefix in the environment. Here they have it in UCX 1.17 and later, and not before.
void prefer_for_tcp(const Library& library, Config* config, const std::string& name, const char* value) {
  if (std::getenv(("UCX_TCP_" + name).c_str()) != nullptr) return;
  library.config_modify(config, ("TCP_" + name).c_str(), value);
  library.config_modify(config, name.c_str(), value);
}

}  // namespace

MessageWorker::MessageWorker(const std::string& interface, uint32_t most_peers, Receive receive, void* argument)
    : library_(Library::get()) {
  try {
    open_context(interface, most_peers);
    open_worker(receive, argument);
  } catch (...) {
    close();
    throw;
  }
}

MessageWorker::~MessageWorker() { close(); }

void MessageWorker::close() {
  if (worker_ != nullptr) library_.worker_destroy(worker_);
  if (context_ != nullptr) library_.cleanup(context_);
}

void MessageWorker::open_context(const std::string& interface, uint32_t most_peers) {
  Config* config = nullptr;
  check(library_, library_.config_read(nullptr, nullptr, &config), "reading the configuration");
  // Pairs on one host share memory without UCX; its own shared memory does not notice a killed peer.
  prefer(library_, config, "TLS", "^posix,sysv,self");
  prefer(library_, config, "NET_DEVICES", interface.c_str());
  prefer_for_tcp(library_, config, "TX_SEG_SIZE", kSegmentBytes);
  prefer_for_tcp(library_, config, "RX_SEG_SIZE", kSegmentBytes);
  // A peer's death must not end this process, as assertions of UCX 1.13 do. One fails where a connection breaks while its
  // endpoint is being opened (tcp_ep.c: !CTX_TYPE_TX): let it break later. Others fail where UCX's messages about the
  // numbers of endpoints wait in a queue as the connection breaks (wireup_ep.c: pending_count == 0; ucp_request.c: got REP
  // message): see UcxEnd::exchange_numbers, and no keepalive, which sends such at any time; control connections have one.
  prefer_for_tcp(library_, config, "CONN_NB", "y");
  prefer(library_, config, "KEEPALIVE_INTERVAL", "inf");
  ContextParams params{};
  params.field_mask = kContextFeatures | kContextNumEps;
  params.features = kFeatureAm | kFeatureWakeup;
  params.estimated_num_eps = most_peers;
  const Status status = library_.init_version(kApiMajor, kApiMinor, &params, config, &context_);
  library_.config_release(config);
  check(library_, status, "opening a context");
}

void MessageWorker::open_worker(Receive receive, void* argument) {
  WorkerParams params{};
  params.field_mask = kWorkerThreadMode | kWorkerEvents;
  params.thread_mode = kThreadSingle;
  params.events = kWakeupRx | kWakeupTx;
  check(library_, library_.worker_create(context_, &params, &worker_), "opening a worker");
  check(library_, library_.worker_get_efd(worker_, &event_descriptor_), "asking for its event descriptor");
  AmHandlerParam handler{};
  handler.field_mask = kAmHandlerId | kAmHandlerFlags | kAmHandlerCallback | kAmHandlerArgument;
  handler.id = kMessageId;
  handler.flags = kAmWholeMessage;
  handler.callback = receive;
  handler.argument = argument;
  check(library_, library_.worker_set_am_recv_handler(worker_, &handler), "setting the message handler");
  WorkerAddress* address = nullptr;
  size_t length = 0;
  check(library_, library_.worker_get_address(worker_, &address, &length), "asking for its address");
  address_.resize(length);
  std::memcpy(address_.data(), address, length);
  library_.worker_release_address(worker_, address);
}

Endpoint* MessageWorker::connect(std::span<const std::byte> peer, Failed failed, void* argument) {
  EndpointParams params{};
  params.field_mask = kEndpointAddress | kEndpointErrorMode | kEndpointErrorHandler;
  params.address = peer.data();
  params.error_mode = kErrorModePeer;
  params.error_handler = {failed, argument};
  Endpoint* endpoint = nullptr;
  const Status status = library_.ep_create(worker_, &params, &endpoint);
  // A peer that died while it was being reached, or that no interface leads to.
  if (status == kUnreachable)
    throw Failure(M2N_PEER_LOST, sentence("UCX: reaching a peer: %s", library_.status_string(status)));
  check(library_, status, "reaching a peer");
  return endpoint;
}

}  // namespace m2n::ucx

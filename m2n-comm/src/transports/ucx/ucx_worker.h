// One UCX context and worker: what an endpoint sends active messages with and receives them by.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_WORKER_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_WORKER_H

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "transports/ucx/ucx_library.h"

namespace m2n::ucx {

constexpr unsigned kMessageId = 1;

class MessageWorker {
 public:
  using Receive = Status (*)(void* argument, const void* header, size_t header_length, void* data, size_t length,
                             const AmReceiveParam* param);

  // Throws Failure. `interface`: the only network interface it uses.
  MessageWorker(const std::string& interface, uint32_t most_peers, Receive receive, void* argument);
  ~MessageWorker();
  MessageWorker(const MessageWorker&) = delete;
  MessageWorker& operator=(const MessageWorker&) = delete;

  const Library& library() const { return library_; }
  std::span<const std::byte> address() const { return address_; }
  int event_descriptor() const { return event_descriptor_; }
  unsigned progress() { return library_.worker_progress(worker_); }
  // True: the event descriptor tells of everything from now on. False: there is something to progress first.
  bool arm() { return library_.worker_arm(worker_) == kOk; }

  using Failed = void (*)(void* argument, Endpoint* endpoint, Status status);
  Endpoint* connect(std::span<const std::byte> peer, Failed failed, void* argument);

 private:
  void open_context(const std::string& interface, uint32_t most_peers);
  void open_worker(Receive receive, void* argument);
  void close();

  const Library& library_;
  Context* context_ = nullptr;
  Worker* worker_ = nullptr;
  std::vector<std::byte> address_;
  int event_descriptor_ = -1;
};

}  // namespace m2n::ucx

#endif

// The part of UCX's C interface that this library uses, declared here so that building needs no UCX. The interface has
// been stable since 1.13 under the soname libucp.so.0: structs carry a mask of the fields that are filled in and grow at
// their end only. tests/ucx_abi_test.cpp compares all of this with the real headers where they are installed.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_ABI_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_ABI_H

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace m2n::ucx {

using Status = int8_t;  // ucs_status_t is packed
constexpr Status kOk = 0;
constexpr Status kNoResource = -2;
constexpr Status kUnreachable = -6;
constexpr Status kInProgress = 1;
constexpr Status kErrorLast = -100;

using Config = void;
using Context = void;
using Worker = void;
using Endpoint = void;
using WorkerAddress = void;

constexpr unsigned kApiMajor = 1, kApiMinor = 11;

struct ContextParams {
  uint64_t field_mask;
  uint64_t features;
  size_t request_size;
  void (*request_init)(void*);
  void (*request_cleanup)(void*);
  uint64_t tag_sender_mask;
  int mt_workers_shared;
  size_t estimated_num_eps;
  size_t estimated_num_ppn;
  const char* name;
};
constexpr uint64_t kContextFeatures = 1u << 0, kContextNumEps = 1u << 6;
constexpr uint64_t kFeatureWakeup = 1u << 4, kFeatureAm = 1u << 6;

struct WorkerParams {
  uint64_t field_mask;
  int thread_mode;
  uint64_t cpu_mask[16];
  unsigned events;
  void* user_data;
  int event_fd;
  uint64_t flags;
  const char* name;
  size_t am_alignment;
  uint64_t client_id;
};
constexpr uint64_t kWorkerThreadMode = 1u << 0, kWorkerEvents = 1u << 2;
constexpr int kThreadSingle = 0;
constexpr unsigned kWakeupTx = 1u << 10, kWakeupRx = 1u << 11;

struct AmHandlerParam {
  uint64_t field_mask;
  unsigned id;
  uint32_t flags;
  Status (*callback)(void* argument, const void* header, size_t header_length, void* data, size_t length,
                     const struct AmReceiveParam* param);
  void* argument;
};
constexpr uint64_t kAmHandlerId = 1u << 0, kAmHandlerFlags = 1u << 1, kAmHandlerCallback = 1u << 2,
                   kAmHandlerArgument = 1u << 3;
constexpr uint32_t kAmWholeMessage = 1u << 0;

struct AmReceiveParam {
  uint64_t attributes;
  Endpoint* reply_endpoint;
};
constexpr uint64_t kAmReceiveRendezvous = 1u << 17;

struct EndpointParams {
  uint64_t field_mask;
  const WorkerAddress* address;
  int error_mode;
  struct {
    void (*callback)(void* argument, Endpoint* endpoint, Status status);
    void* argument;
  } error_handler;
  void* user_data;
  unsigned flags;
  struct {
    const sockaddr* address;
    socklen_t length;
  } socket_address;
};
constexpr uint64_t kEndpointAddress = 1u << 0, kEndpointErrorMode = 1u << 1, kEndpointErrorHandler = 1u << 2;
constexpr int kErrorModePeer = 1;

struct RequestParam {
  uint32_t attribute_mask;
  uint32_t flags;
  void* request;
  void (*callback)(void* request, Status status, void* user_data);
  uint64_t datatype;
  void* user_data;
  void* reply_buffer;
  int memory_type;
  void* receive_info;
  void* memory_handle;
};
constexpr uint32_t kRequestCallback = 1u << 1, kRequestUserData = 1u << 2, kRequestDatatype = 1u << 3,
                   kRequestFlags = 1u << 4, kRequestNeverAtOnce = 1u << 16, kRequestOnlyAtOnce = 1u << 18;
constexpr uint32_t kAmSendEager = 1u << 1;
constexpr uint32_t kCloseForce = 1u << 0;
constexpr uint64_t kDatatypeBytes = 1u << 3, kDatatypeParts = 2;

struct Part {  // ucp_dt_iov_t
  void* buffer;
  size_t length;
};

// A call's result: done, under way, or an error.
inline bool is_error(const void* result) {
  return reinterpret_cast<uintptr_t>(result) >= static_cast<uintptr_t>(static_cast<intptr_t>(kErrorLast));
}
inline Status error_of(const void* result) { return static_cast<Status>(reinterpret_cast<intptr_t>(result)); }

}  // namespace m2n::ucx

#endif

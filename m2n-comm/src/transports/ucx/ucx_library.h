// libucp, opened when it is first asked for.
#ifndef M2N_SRC_TRANSPORTS_UCX_UCX_LIBRARY_H
#define M2N_SRC_TRANSPORTS_UCX_UCX_LIBRARY_H

#include "transports/ucx/ucx_abi.h"

namespace m2n::ucx {

struct Library {
  // Throws Failure with what to install.
  static const Library& get();

  void (*get_version)(unsigned* major, unsigned* minor, unsigned* release);
  Status (*config_read)(const char* prefix, const char* file, Config** config);
  Status (*config_modify)(Config*, const char* name, const char* value);
  void (*config_release)(Config*);
  Status (*init_version)(unsigned major, unsigned minor, const ContextParams*, const Config*, Context**);
  void (*cleanup)(Context*);
  Status (*worker_create)(Context*, const WorkerParams*, Worker**);
  void (*worker_destroy)(Worker*);
  Status (*worker_get_address)(Worker*, WorkerAddress**, size_t* length);
  void (*worker_release_address)(Worker*, WorkerAddress*);
  Status (*worker_get_efd)(Worker*, int* descriptor);
  Status (*worker_arm)(Worker*);
  unsigned (*worker_progress)(Worker*);
  Status (*worker_set_am_recv_handler)(Worker*, const AmHandlerParam*);
  Status (*ep_create)(Worker*, const EndpointParams*, Endpoint**);
  void* (*ep_close_nbx)(Endpoint*, const RequestParam*);
  void* (*am_send_nbx)(Endpoint*, unsigned id, const void* header, size_t header_length, const void* buffer,
                       size_t count, const RequestParam*);
  Status (*request_check_status)(void* request);
  void (*request_free)(void* request);
  const char* (*status_string)(Status);
};

}  // namespace m2n::ucx

#endif

#include "transports/ucx/ucx_library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "failure.h"

namespace m2n::ucx {
namespace {

constexpr const char* kSoname = "libucp.so.0";

// What suits a library inside somebody else's process, unless the user has said otherwise: no signal handlers of its
// own, no hooks in malloc and mmap, no lines on stdout about every peer that dies. UCX reads these when it is loaded.
void prefer_quiet() {
  setenv("UCX_HANDLE_ERRORS", "none", 0);
  setenv("UCX_MEM_MMAP_HOOK_MODE", "none", 0);
  setenv("UCX_LOG_LEVEL", "fatal", 0);
  setenv("UCX_WARN_UNUSED_ENV_VARS", "n", 0);
}

template <class Function>
void find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function == nullptr)
    throw Failure(M2N_INVALID, sentence("%s has no %s: the ucx transport needs UCX 1.11 or newer", kSoname, name));
}

Library load() {
  prefer_quiet();
  // Never closed: UCX keeps state of its own for as long as the process lives.
  void* library = dlopen(kSoname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr)
    throw Failure(M2N_INVALID,
                  sentence("the ucx transport needs %s, which cannot be loaded (Debian package libucx0): %s", kSoname,
                           dlerror()));
  Library ucx{};
  find(library, "ucp_get_version", &ucx.get_version);
  find(library, "ucp_config_read", &ucx.config_read);
  find(library, "ucp_config_modify", &ucx.config_modify);
  find(library, "ucp_config_release", &ucx.config_release);
  find(library, "ucp_init_version", &ucx.init_version);
  find(library, "ucp_cleanup", &ucx.cleanup);
  find(library, "ucp_worker_create", &ucx.worker_create);
  find(library, "ucp_worker_destroy", &ucx.worker_destroy);
  find(library, "ucp_worker_get_address", &ucx.worker_get_address);
  find(library, "ucp_worker_release_address", &ucx.worker_release_address);
  find(library, "ucp_worker_get_efd", &ucx.worker_get_efd);
  find(library, "ucp_worker_arm", &ucx.worker_arm);
  find(library, "ucp_worker_progress", &ucx.worker_progress);
  find(library, "ucp_worker_set_am_recv_handler", &ucx.worker_set_am_recv_handler);
  find(library, "ucp_ep_create", &ucx.ep_create);
  find(library, "ucp_ep_close_nbx", &ucx.ep_close_nbx);
  find(library, "ucp_am_send_nbx", &ucx.am_send_nbx);
  find(library, "ucp_request_check_status", &ucx.request_check_status);
  find(library, "ucp_request_free", &ucx.request_free);
  find(library, "ucs_status_string", &ucx.status_string);
  return ucx;
}

}  // namespace

const Library& Library::get() {
  static const Library library = load();
  return library;
}

}  // namespace m2n::ucx

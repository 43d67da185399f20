// Every function of mk.h. The guard turns whatever is thrown below into a status and the thread's last-error text; it
// is the library's only catch-all.
#include <cstring>
#include <new>

#include "arguments.h"
#include "context.h"
#include "cuda/operations.h"
#include "cuda/weights.h"
#include "error.h"
#include "memory.h"
#include "numbers.h"
#include "pack.h"
#include "weight_memory.h"

// On a CPU context streams carry no state: operations are done when their call returns.
struct mk_stream {
  mk_context* context;
  std::unique_ptr<mk::cuda::Stream> on_device;  // null on CPU
};

struct mk_graph {
  mk_context* context;
  std::unique_ptr<mk::cuda::Graph> on_device;
};

namespace {

thread_local std::string last_error;

mk_status fail(mk_status status, const char* text) noexcept {
  try {
    last_error = text;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return status;
}

template <typename Body>
mk_status guard(Body&& body) noexcept {
  last_error.clear();
  try {
    return body();
  } catch (const mk::Error& error) {
    return fail(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(MK_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(MK_INTERNAL, error.what());
  } catch (...) {
    return fail(MK_INTERNAL, "an unknown exception");
  }
}

// The stream that NULL or `stream` names on a context's device.
mk::cuda::Stream& device_stream(mk_context* context, mk_stream* stream) {
  mk::require(stream == nullptr || stream->context == context, "the stream belongs to another context");
  context->device->enter();
  return stream == nullptr ? context->device->default_stream() : *stream->on_device;
}

void require_host(const mk_context* context) {
  if (context->device != nullptr) throw mk::Error(MK_UNSUPPORTED, "packed bytes are a CPU context's");
}

void require_device(const mk_context* context) {
  mk::require(context != nullptr, "context is null");
  if (context->device == nullptr) throw mk::Error(MK_UNSUPPORTED, "a CPU context records nothing");
}

int32_t count_of(const mk_grouped_ffn_args& args) { return args.pairs; }
template <typename Args>
int32_t count_of(const Args& args) {
  return args.rows;
}

template <typename Args>
mk_status run(mk_context* context, mk_stream* stream, const Args* args,
              mk_status (*mk::Backend::*operation)(mk::Runtime&, const Args&),
              void (*device_operation)(mk::cuda::Stream&, const Args&)) noexcept {
  return guard([&] {
    mk::require(context != nullptr, "context is null");
    mk::require(args != nullptr, "args is null");
    if (context->device != nullptr) {
      mk::check(*args, mk::Elements::kOnDevice);
      if (count_of(*args) != 0) device_operation(device_stream(context, stream), *args);
      return MK_OK;
    }
    mk::check(*args, mk::Elements::kOnHost);
    const mk_status status = (context->runtime.backend().*operation)(context->runtime, *args);
    if (status == MK_NO_MEMORY) throw std::bad_alloc();
    return status;
  });
}

}  // namespace

extern "C" {

uint32_t mk_abi_version(void) { return MK_ABI_VERSION; }

const char* mk_last_error(void) { return last_error.c_str(); }

mk_status mk_context_create(const mk_context_config* config, mk_context** out) {
  return guard([&] {
    mk::require(config != nullptr && out != nullptr, "config or out is null");
    mk::require(config->struct_bytes == sizeof(mk_context_config),
                "struct_bytes differs from this library's mk_context_config");
    *out = new mk_context(*config);
    return MK_OK;
  });
}

void mk_context_destroy(mk_context* context) { delete context; }

const char* mk_context_backend(const mk_context* context) {
  if (context == nullptr) return "";
  return context->device != nullptr ? "cuda" : context->runtime.backend().name;
}

const char* mk_context_numerics(const mk_context* context) {
  if (context == nullptr) return "";
  return context->device != nullptr ? context->device->numerics().c_str() : "cpu-fma-2";
}

double mk_context_bf16_gain(const mk_context* context) {
  const bool pairs = context != nullptr && context->device == nullptr && context->runtime.backend().has_pairs;
  return pairs ? mk::pairs_gain() : 1.0;
}

int32_t mk_context_threads(const mk_context* context) {
  return context == nullptr ? 0 : context->runtime.pool().threads();
}

mk_status mk_context_pin_caller(mk_context* context) {
  return guard([&] {
    mk::require(context != nullptr, "context is null");
    mk::require(mk::confine_this_thread(context->runtime.caller_cores()),
                "none of the context's cores may be used by this thread");
    return MK_OK;
  });
}

mk_status mk_stream_create(mk_context* context, mk_stream** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    auto stream = std::make_unique<mk_stream>(mk_stream{context, nullptr});
    if (context->device != nullptr) stream->on_device = std::make_unique<mk::cuda::Stream>(*context->device);
    *out = stream.release();
    return MK_OK;
  });
}

void mk_stream_destroy(mk_stream* stream) { delete stream; }

mk_status mk_stream_wait(mk_context* context, mk_stream* stream) {
  return guard([&] {
    mk::require(context != nullptr, "context is null");
    mk::require(stream == nullptr || stream->context == context, "the stream belongs to another context");
    if (context->device != nullptr) context->device->check_status(device_stream(context, stream));
    return MK_OK;
  });
}

mk_status mk_record_begin(mk_context* context, mk_stream* stream) {
  return guard([&] {
    require_device(context);
    device_stream(context, stream).begin_recording();
    return MK_OK;
  });
}

mk_status mk_record_end(mk_context* context, mk_stream* stream, mk_graph** out) {
  return guard([&] {
    require_device(context);
    mk::require(out != nullptr, "out is null");
    *out = new mk_graph{context, device_stream(context, stream).end_recording()};
    return MK_OK;
  });
}

mk_status mk_graph_run(mk_context* context, mk_stream* stream, const mk_graph* graph) {
  return guard([&] {
    require_device(context);
    mk::require(graph != nullptr && graph->context == context, "graph is null or of another context");
    device_stream(context, stream).run(*graph->on_device);
    return MK_OK;
  });
}

void mk_graph_free(mk_graph* graph) { delete graph; }

mk_status mk_allocate(mk_context* context, uint64_t bytes, void** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    *out = context->device != nullptr ? context->device->allocate(bytes) : mk::allocate_memory(bytes);
    return MK_OK;
  });
}

void mk_free(mk_context* context, void* address) {
  if (context == nullptr || context->device == nullptr)
    mk::free_memory(address);
  else
    (void)guard([&] {
      context->device->enter();
      context->device->release(address);
      return MK_OK;
    });
}

mk_status mk_exportable_allocate(mk_context* context, uint64_t bytes, void** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    *out = context->exportable->allocate(bytes);
    return MK_OK;
  });
}

mk_status mk_exportable_open(mk_context* context, const void* address, int32_t* file) {
  return guard([&] {
    mk::require(context != nullptr && file != nullptr, "context or file is null");
    *file = context->exportable->open(address);
    return MK_OK;
  });
}

mk_status mk_exportable_map(mk_context* context, int32_t file, uint64_t bytes, void** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    *out = context->exportable->map(file, bytes);
    return MK_OK;
  });
}

void mk_exportable_free(mk_context* context, void* address) {
  if (context == nullptr) return;
  (void)guard([&] {
    context->exportable->release(address);
    return MK_OK;
  });
}

mk_status mk_allocate_host(mk_context* context, uint64_t bytes, void** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    *out = context->device != nullptr ? context->device->allocate_host(bytes) : mk::allocate_memory(bytes);
    return MK_OK;
  });
}

void mk_free_host(mk_context* context, void* address) {
  if (context == nullptr || context->device == nullptr)
    mk::free_memory(address);
  else
    (void)guard([&] {
      context->device->enter();
      context->device->release_host(address);
      return MK_OK;
    });
}

mk_status mk_copy(mk_context* context, mk_stream* stream, void* destination, const void* source, uint64_t bytes) {
  return guard([&] {
    mk::require(context != nullptr, "context is null");
    mk::require(bytes == 0 || (destination != nullptr && source != nullptr), "destination or source is null");
    if (context->device != nullptr)
      device_stream(context, stream).copy(destination, source, bytes);
    else if (bytes != 0)
      std::memcpy(destination, source, bytes);
    return MK_OK;
  });
}

mk_status mk_weight_pack(mk_context* context, const mk_matrix* matrices, int32_t count, int32_t columns, int32_t dtype,
                         mk_weight** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    mk::check_weight(matrices, count, columns, dtype);
    *out = context->device != nullptr
               ? mk::cuda::pack_weight(*context->device, context->runtime, matrices, count, columns, dtype)
               : mk::pack_weight(context->runtime, matrices, count, columns, dtype);
    return MK_OK;
  });
}

void mk_weight_free(mk_weight* weight) { mk::free_weight(weight); }

uint64_t mk_weight_bytes(const mk_weight* weight) { return weight == nullptr ? 0 : weight->bytes; }

mk_status mk_experts_pack(mk_context* context, const mk_experts_shape* shape, const mk_expert_matrices* experts,
                          mk_experts** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    mk::require(shape != nullptr, "shape is null");
    mk::check_experts(*shape, experts);
    *out = context->device != nullptr ? mk::cuda::pack_experts(*context->device, context->runtime, *shape, experts)
                                      : mk::pack_experts(context->runtime, *shape, experts);
    return MK_OK;
  });
}

void mk_experts_free(mk_experts* experts) { mk::free_experts(experts); }

uint64_t mk_experts_bytes(const mk_experts* experts) { return experts == nullptr ? 0 : experts->bytes; }

const void* mk_weight_data(const mk_weight* weight) { return weight == nullptr ? nullptr : weight->matrix.data; }

const void* mk_experts_data(const mk_experts* experts) {
  return experts == nullptr || experts->memory == nullptr ? nullptr : experts->memory->get();
}

uint64_t mk_weight_checksum(const mk_weight* weight) {
  return weight == nullptr || weight->memory == nullptr ? 0 : weight->memory->checksum();
}

uint64_t mk_experts_checksum(const mk_experts* experts) {
  return experts == nullptr || experts->memory == nullptr ? 0 : experts->memory->checksum();
}

mk_status mk_weight_restore(mk_context* context, int32_t rows, int32_t columns, int32_t dtype, int32_t file,
                            uint64_t bytes, mk_weight** out) {
  return guard([&] {
    mk::require(context != nullptr && out != nullptr, "context or out is null");
    require_host(context);
    mk::check_restored(rows, columns, dtype);
    *out = mk::restore_weight(rows, columns, dtype, file, bytes);
    return MK_OK;
  });
}

mk_status mk_experts_restore(mk_context* context, const mk_experts_shape* shape, int32_t has_gate_bias,
                             int32_t has_down_bias, int32_t file, uint64_t bytes, mk_experts** out) {
  return guard([&] {
    mk::require(context != nullptr && shape != nullptr && out != nullptr, "context, shape or out is null");
    require_host(context);
    mk::check_shape(*shape);
    *out = mk::restore_experts(*shape, has_gate_bias != 0, has_down_bias != 0, file, bytes);
    return MK_OK;
  });
}

int32_t mk_weight_settle(mk_weight* weight) {
  return weight != nullptr && weight->memory != nullptr && weight->memory->settle_next() ? 1 : 0;
}

int32_t mk_experts_settle(mk_experts* experts) {
  return experts != nullptr && experts->memory != nullptr && experts->memory->settle_next() ? 1 : 0;
}

uint64_t mk_kv_block_bytes(int32_t kv_heads, int32_t head_dim, int32_t is_latent, int32_t kv_dtype) {
  if (kv_heads <= 0 || head_dim <= 0 || !mk::is_stored_dtype(kv_dtype)) return 0;
  const uint64_t parts = is_latent != 0 ? 1 : 2;
  return parts * static_cast<uint64_t>(kv_heads) * static_cast<uint64_t>(head_dim) * MK_KV_BLOCK_TOKENS *
         mk::dtype_bytes(kv_dtype);
}

#define MK_EXPORT(operation, args_type)                                                     \
  mk_status mk_##operation(mk_context* context, mk_stream* stream, const args_type* args) { \
    return run(context, stream, args, &mk::Backend::operation, &mk::cuda::operation);       \
  }
MK_OPERATIONS(MK_EXPORT)
#undef MK_EXPORT

}  // extern "C"

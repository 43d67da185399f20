// Attention over the paged cache: on the tensor cores where the shape allows, else the plain kernel.
#include <algorithm>

#include "cuda/jobs.h"
#include "cuda/operations.h"

namespace mk::cuda {
namespace {

constexpr int32_t kPlainThreads = 128;
// Scratch for parts of rows: longer batches are taken in turns.
constexpr int64_t kMostPartialBytes = 256 << 20;
constexpr int64_t kMostRows = 65535;

bool fits_tensor_cores(const mk_paged_attention_args& args) {
  return args.kv_dtype == MK_BF16 && args.is_latent == 0 && (args.head_dim == 64 || args.head_dim == 128) &&
         args.heads / args.kv_heads <= kAttentionMostGroup;
}

}  // namespace

void paged_attention(Stream& stream, const mk_paged_attention_args& args) {
  const Kernels& kernels = stream.device().kernels();
  void* const status = stream.device().status();
  if (!fits_tensor_cores(args)) {
    stream.launch(kernels.attention_plain, {args.rows, args.heads}, kPlainThreads, 0, args, status);
    return;
  }
  AttentionJob job = {args, nullptr, 0, 0};
  job.splits = (args.block_table_stride * MK_KV_BLOCK_TOKENS + kAttentionSplit - 1) / kAttentionSplit;
  const int64_t row_bytes =
      static_cast<int64_t>(args.heads) * job.splits * (args.head_dim + 2) * static_cast<int64_t>(sizeof(float));
  const int64_t most_rows = std::clamp<int64_t>(kMostPartialBytes / row_bytes, 1, kMostRows);
  const int64_t turn_rows = std::min<int64_t>(args.rows, most_rows);
  if (job.splits > 1) job.partial = static_cast<float*>(stream.scratch(static_cast<uint64_t>(turn_rows * row_bytes)));
  for (int64_t first = 0; first < args.rows; first += turn_rows) {
    const int64_t rows = std::min(turn_rows, args.rows - first);
    job.first_row = static_cast<int32_t>(first);
    stream.launch(args.head_dim == 64 ? kernels.attention_64 : kernels.attention_128, {job.splits, args.kv_heads, rows},
                  kAttentionWarps * 32, static_cast<uint32_t>(attention_shared_bytes(args.head_dim)), job, status);
    if (job.splits > 1) stream.launch(kernels.attention_sum, {args.heads, rows}, args.head_dim, 0, job);
  }
}

}  // namespace mk::cuda

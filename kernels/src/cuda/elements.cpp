// Operations whose kernels give a block to a row.
#include <algorithm>

#include "cuda/jobs.h"
#include "cuda/operations.h"

namespace mk::cuda {
namespace {

constexpr int32_t kMostThreads = 256;
constexpr int32_t kReductionThreads = 512;

// Whole warps for `width` elements.
int32_t threads_for(int64_t width, int32_t most) {
  return static_cast<int32_t>(std::clamp<int64_t>((width + 31) / 32 * 32, 32, most));
}

}  // namespace

void embed(Stream& stream, const mk_embed_args& args) {
  stream.launch(stream.device().kernels().embed, {args.rows}, threads_for(args.hidden, kMostThreads), 0, args,
                stream.device().status());
}

void clamp(Stream& stream, const mk_clamp_args& args) {
  stream.launch(stream.device().kernels().clamp, {args.rows}, threads_for(args.width, kMostThreads), 0, args);
}

void rope(Stream& stream, const mk_rope_args& args) {
  if (args.rotary_dim == 0) return;
  const int64_t pairs = static_cast<int64_t>(args.heads) * args.rotary_dim / 2;
  stream.launch(stream.device().kernels().rope, {args.rows}, threads_for(pairs, kMostThreads), 0, args,
                stream.device().status());
}

void scatter_rows(Stream& stream, const mk_scatter_rows_args& args) {
  stream.launch(stream.device().kernels().scatter_rows, {args.rows}, threads_for(args.hidden, kMostThreads), 0, args,
                stream.device().status());
}

void combine(Stream& stream, const mk_combine_args& args) {
  stream.launch(stream.device().kernels().combine, {args.rows}, threads_for(args.hidden, kMostThreads), 0, args);
}

void rmsnorm(Stream& stream, const mk_rmsnorm_args& args) {
  stream.launch(stream.device().kernels().rmsnorm, {args.rows, args.groups}, threads_for(args.width, kReductionThreads),
                0, args);
}

void layernorm(Stream& stream, const mk_layernorm_args& args) {
  stream.launch(stream.device().kernels().layernorm, {args.rows}, threads_for(args.width, kReductionThreads), 0, args);
}

void log_sum_exp(Stream& stream, const mk_log_sum_exp_args& args) {
  const int32_t parts = (args.vocabulary + kLogSumPart - 1) / kLogSumPart;
  LogSumPart* scratch = static_cast<LogSumPart*>(
      stream.scratch(static_cast<uint64_t>(args.rows) * static_cast<uint64_t>(parts) * sizeof(LogSumPart)));
  stream.launch(stream.device().kernels().log_sum_exp, {parts, args.rows}, kReductionThreads, 0, args, scratch);
  stream.launch(stream.device().kernels().log_sum_exp_end, {(args.rows + 31) / 32}, 32, 0, args, scratch, parts);
}

void gate_topk(Stream& stream, const mk_gate_topk_args& args) {
  const uint32_t experts = static_cast<uint32_t>(args.experts), groups = static_cast<uint32_t>(args.groups);
  stream.launch(stream.device().kernels().gate_topk, {args.rows}, 32, 9 * experts + 5 * groups, args);
}

void kv_write(Stream& stream, const mk_kv_write_args& args) {
  const int64_t width = static_cast<int64_t>(args.kv_heads) * args.head_dim;
  stream.launch(stream.device().kernels().kv_write, {args.rows}, threads_for(width, kMostThreads), 0, args,
                stream.device().status());
}

}  // namespace mk::cuda

// Operations that touch each element once: embed, clamp, rope, scatter_rows, combine. A block takes a row.
#pragma once

#include "cuda/shapes.h"
#include "numbers.h"

namespace mk::device {

MK_KERNEL mk_embed_kernel(mk_embed_args args, Status* status) {
  begin_kernel();
  const int64_t row = block_x();
  const int32_t id = args.ids[row];
  if (id < 0 || id >= args.vocabulary) {
    if (thread_x() == 0) report(status, cuda::kBadId);
    return;
  }
  for (int i = thread_x(); i < args.hidden; i += threads())
    args.out[row * args.hidden + i] =
        load_as_float(args.table, static_cast<int64_t>(id) * args.hidden + i, args.table_dtype);
}

MK_KERNEL mk_clamp_kernel(mk_clamp_args args) {
  begin_kernel();
  float* row = args.rows_data + static_cast<int64_t>(block_x()) * args.stride;
  for (int i = thread_x(); i < args.width; i += threads()) {
    const float x = row[i];
    row[i] = x < -args.limit ? -args.limit : x > args.limit ? args.limit : x;
  }
}

MK_KERNEL mk_rope_kernel(mk_rope_args args, Status* status) {
  begin_kernel();
  const int32_t position = args.positions[block_x()];
  if (position < 0 || position >= args.context) {
    if (thread_x() == 0) report(status, cuda::kBadPosition);
    return;
  }
  const int half = args.rotary_dim / 2;
  const float* angles = args.cosine_sine + static_cast<int64_t>(position) * args.rotary_dim;
  float* row = args.rows_data + static_cast<int64_t>(block_x()) * args.stride;
  for (int i = thread_x(); i < args.heads * half; i += threads()) {
    const int pair = i % half;
    float* head = row + static_cast<int64_t>(i / half) * args.head_dim;
    float* first = args.pairing == MK_ROPE_HALVES ? head + pair : head + 2 * pair;
    float* second = args.pairing == MK_ROPE_HALVES ? first + half : first + 1;
    const float a = *first, b = *second, c = angles[pair], s = angles[half + pair];
    *first = fused(a, c, -(b * s));
    *second = fused(b, c, a * s);
  }
}

MK_KERNEL mk_scatter_rows_kernel(mk_scatter_rows_args args, Status* status) {
  begin_kernel();
  const int64_t row = block_x();
  const int32_t from = args.row_index[row];
  if (from < 0) {
    if (thread_x() == 0) report(status, cuda::kBadId);
    return;
  }
  for (int i = thread_x(); i < args.hidden; i += threads())
    args.out[row * args.hidden + i] = args.in[static_cast<int64_t>(from) * args.in_stride + i];
}

MK_KERNEL mk_combine_kernel(mk_combine_args args) {
  begin_kernel();
  const int64_t row = block_x();
  float* residual = args.residual + row * args.stride;
  const float* const* results = args.result_of_pair + row * args.top_k;
  const float* weights = args.weights + row * args.top_k;
  const float shared_weight = args.shared_logits == nullptr ? 1.0f : sigmoid_of(args.shared_logits[row]);
  for (int i = thread_x(); i < args.hidden; i += threads()) {
    float sum = 0.0f;
    for (int k = 0; k < args.top_k; ++k) sum = fused(weights[k], results[k][i], sum);
    if (args.shared != nullptr) sum = fused(shared_weight, args.shared[row * args.hidden + i], sum);
    residual[i] = residual[i] + sum;
  }
}

}  // namespace mk::device

// Operations that reduce a row: rmsnorm, layernorm, log_sum_exp. A block takes a row, or a group of one; sums are in the order of the block's threads.
#pragma once

#include "cuda/jobs.h"
#include "numbers.h"

namespace mk::device {

using namespace mk::cuda;

MK_KERNEL mk_rmsnorm_kernel(mk_rmsnorm_args args) {
  begin_kernel();
  __shared__ float space[kWarp];
  const int64_t at = static_cast<int64_t>(block_y()) * args.width;
  const float* in = args.in + static_cast<int64_t>(block_x()) * args.in_stride + at;
  float* out = args.out + static_cast<int64_t>(block_x()) * args.out_stride + at;
  float squares = 0.0f;
  for (int i = thread_x(); i < args.width; i += threads()) squares = fused(in[i], in[i], squares);
  const float mean = block_sum(squares, space) / static_cast<float>(args.width);
  const float scale = 1.0f / square_root(mean + args.epsilon);
  for (int i = thread_x(); i < args.width; i += threads()) out[i] = in[i] * scale * args.weight[i];
}

MK_KERNEL mk_layernorm_kernel(mk_layernorm_args args) {
  begin_kernel();
  __shared__ float space[kWarp];
  const float* in = args.in + static_cast<int64_t>(block_x()) * args.in_stride;
  float* out = args.out + static_cast<int64_t>(block_x()) * args.out_stride;
  float sum = 0.0f;
  for (int i = thread_x(); i < args.width; i += threads()) sum = sum + in[i];
  const float mean = block_sum(sum, space) / static_cast<float>(args.width);
  float squares = 0.0f;
  for (int i = thread_x(); i < args.width; i += threads()) {
    const float x = in[i] - mean;
    squares = fused(x, x, squares);
  }
  const float variance = block_sum(squares, space) / static_cast<float>(args.width);
  const float scale = 1.0f / square_root(variance + args.epsilon);
  for (int i = thread_x(); i < args.width; i += threads()) out[i] = (in[i] - mean) * scale * args.weight[i];
}

MK_DEVICE double log_of(double x) {
  // x = 2^e * m, m in sqrt(1/2) .. sqrt(2); log m by the series of atanh, to 1e-17 of it.
  const uint64_t bits = __builtin_bit_cast(uint64_t, x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = __builtin_bit_cast(double, (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.4142135623730951) {
    m = m * 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double series = 0.0;
#pragma unroll
  for (int k = 23; k >= 1; k -= 2) series = fused(series, z, 1.0 / k);
  return fused(static_cast<double>(exponent), 0.6931471805599453, 2.0 * s * series);
}

// A part of a row: its maximum and the sum of exp(logit - that); block (part, row).
MK_KERNEL mk_log_sum_exp_kernel(mk_log_sum_exp_args args, LogSumPart* parts) {
  begin_kernel();
  __shared__ float space[kWarp];
  __shared__ double sums[kWarp];
  const int begin = block_x() * kLogSumPart;
  const int end = begin + kLogSumPart < args.vocabulary ? begin + kLogSumPart : args.vocabulary;
  const float* logits = args.logits + static_cast<int64_t>(block_y()) * args.stride;
  float most = -infinity();
  for (int i = begin + thread_x(); i < end; i += threads()) most = greater(logits[i], most);
  most = block_max(most, space);
  const float shift = most == -infinity() ? 0.0f : most;  // of a part that is ruled out nothing is left
  double sum = 0.0;
  for (int i = begin + thread_x(); i < end; i += threads()) sum = sum + static_cast<double>(exp_of(logits[i] - shift));
  sum = block_sum(sum, sums);
  int best = args.vocabulary;
  for (int i = begin + thread_x(); i < end && best == args.vocabulary; i += threads())
    if (logits[i] == most) best = i;
  // Whole numbers this small are exact in fp32.
  best = static_cast<int>(-block_max(-static_cast<float>(best - begin), space)) + begin;
  if (thread_x() == 0) parts[static_cast<int64_t>(block_y()) * blocks_x() + block_x()] = {most, best, sum};
}

// Adds a row's parts in order; a thread takes a row.
MK_KERNEL mk_log_sum_exp_end_kernel(mk_log_sum_exp_args args, const LogSumPart* parts, int count) {
  begin_kernel();
  const int row = block_x() * threads() + thread_x();
  if (row >= args.rows) return;
  const LogSumPart* own = parts + static_cast<int64_t>(row) * count;
  float most = own[0].most;
  for (int i = 1; i < count; ++i) most = greater(own[i].most, most);
  int best = -1;
  for (int i = count - 1; i >= 0; --i) best = own[i].most == most ? own[i].best : best;
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum = fused(own[i].sum, static_cast<double>(exp_of(own[i].most - most)), sum);
  most = most + 0.0f;
  args.maximum[row] = most;
  const double whole = static_cast<double>(most) + (sum > 0.0 && sum < 1e300 ? log_of(sum) : sum);
  args.log_sum_exp[row] = whole;
  if (args.best != nullptr) args.best[row] = whole - whole == 0.0 ? best : -1;
}

}  // namespace mk::device

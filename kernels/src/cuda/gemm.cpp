// Products with packed weights: gemm, gemm_heads, grouped_ffn.
#include <algorithm>

#include "cuda/jobs.h"
#include "cuda/operations.h"
#include "cuda/weights.h"
#include "error.h"

namespace mk::cuda {
namespace {

constexpr int32_t kGatherThreads = 256;
constexpr int32_t kPlainThreads = 128;
constexpr int32_t kPlainRows = 8;
constexpr int32_t kMostPlannedExperts = 1024;

// With more tiles of rows than this, one block goes through all parts itself.
constexpr int32_t kMostApartTiles = 1;
// The parts of so few rows are added by the blocks that made them; of more, by a kernel with a thread for each sum.
constexpr int32_t kMostRowsAddedLast = 8;
constexpr int32_t kSumThreads = 128;

int64_t blocks_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

int32_t splits_of(const Matrix& matrix) {
  return std::clamp(kWantedBlocks / matrix.feature_blocks, 1, std::max(1, matrix.depth_blocks / kLeastSplitBlocks));
}

const Matrix& matrix_of(const Stream& stream, const mk_weight* weight) {
  require(weight->on_device != nullptr && weight->on_device->device == &const_cast<Stream&>(stream).device(),
          "the weight was packed by another context");
  return *weight->on_device;
}

void plain_gemm(Stream& stream, const Matrix& matrix, const PlainJob& job) {
  stream.launch(stream.device().kernels().gemm_plain,
                {blocks_of(matrix.features, kPlainThreads / 32), blocks_of(job.rows, kPlainRows)}, kPlainThreads, 0,
                job);
}

// Hands out aligned parts of a stream's scratch, whose whole size is known first.
class Parts {
 public:
  template <typename T>
  uint64_t add(int64_t count) {
    const uint64_t at = bytes_;
    bytes_ += (static_cast<uint64_t>(count) * sizeof(T) + 255) / 256 * 256;
    return at;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

// The grid of a product of so many tiles at most.
Grid grid_of(const GemmForm& form, const GemmJob& job) {
  if (form.stays == 0) return {job.feature_blocks, job.row_tiles, job.parts};
  return {std::min<int64_t>(form.stays, static_cast<int64_t>(job.feature_blocks) * job.row_tiles * job.parts)};
}

void tensor_gemm(Stream& stream, const Matrix& matrix, const mk_gemm_args& args) {
  const Kernels& kernels = stream.device().kernels();
  const GemmForm& form = stream.device().gemm_form();
  const int32_t tiles = static_cast<int32_t>(blocks_of(args.rows, form.tile_rows));
  const int32_t capacity = static_cast<int32_t>(blocks_of(args.rows, kAtomRows));
  const int32_t splits = splits_of(matrix);
  const bool apart = splits > 1 && tiles <= kMostApartTiles;
  Parts parts;
  const uint64_t atoms_at = parts.add<char>(static_cast<int64_t>(capacity) * matrix.depth_blocks * kAtomBytes);
  const uint64_t partial_at = parts.add<float>(apart ? static_cast<int64_t>(splits) * args.rows * matrix.features : 0);
  char* scratch = static_cast<char*>(stream.scratch(parts.bytes()));
  const GatherJob gather = {nullptr,  args.in,   args.in_stride, nullptr,       nullptr, scratch + atoms_at,
                            capacity, args.rows, form.tile_rows, matrix.columns};
  stream.launch(kernels.gather, {matrix.depth_blocks, tiles}, kGatherThreads, 0, gather);
  DenseJob job = {};
  job.gemm = {static_cast<const char*>(matrix.data),
              0,
              scratch + atoms_at,
              nullptr,
              nullptr,
              capacity,
              args.rows,
              matrix.depth_blocks,
              splits,
              apart ? splits : 1,
              matrix.feature_blocks,
              tiles};
  job.bias = args.bias;
  job.residual = args.residual;
  job.out = args.out;
  job.partial = apart ? reinterpret_cast<float*>(scratch + partial_at) : nullptr;
  const bool adds_last = apart && args.rows <= kMostRowsAddedLast;
  job.arrivals = adds_last ? stream.arrivals() : nullptr;
  job.residual_stride = args.residual_stride;
  job.out_stride = args.out_stride;
  job.features = matrix.features;
  stream.launch(kernels.gemm, grid_of(form, job.gemm), form.threads, form.shared_bytes, job);
  if (apart && !adds_last)
    stream.launch(kernels.gemm_sum, {blocks_of(matrix.features, kSumThreads), args.rows}, kSumThreads, 0, job);
}

}  // namespace

void gemm(Stream& stream, const mk_gemm_args& args) {
  const Matrix& matrix = matrix_of(stream, args.weight);
  if (matrix.dtype == MK_BF16) {
    tensor_gemm(stream, matrix, args);
    return;
  }
  plain_gemm(stream, matrix,
             {args.in, static_cast<const float*>(matrix.data), args.bias, args.residual, args.out, args.in_stride,
              args.residual_stride, args.out_stride, args.rows, matrix.features, matrix.columns});
}

void gemm_heads(Stream& stream, const mk_gemm_heads_args& args) {
  for (int32_t head = 0; head < args.heads; ++head) {
    const float* in = args.in + static_cast<int64_t>(head) * args.in_head_stride;
    float* out = args.out + static_cast<int64_t>(head) * args.out_head_stride;
    gemm(stream, {in, args.weights[head], nullptr, nullptr, out, args.rows, args.in_stride, 0, args.out_stride});
  }
}

void grouped_ffn(Stream& stream, const mk_grouped_ffn_args& args) {
  const Kernels& kernels = stream.device().kernels();
  const mk_experts_shape& shape = args.experts->shape;
  const Experts* experts = args.experts->on_device;
  require(experts != nullptr && experts->device == &stream.device(), "the experts were packed by another context");
  if (shape.count > kMostPlannedExperts) throw Error(MK_UNSUPPORTED, "a GPU takes at most 1024 experts of a layer");
  // The offsets are the device's: these bound what it can find.
  const GemmForm& form = stream.device().gemm_form();
  const int32_t most_tiles = args.pairs / form.tile_rows + std::min(shape.count, args.pairs);
  const int32_t capacity = static_cast<int32_t>(args.pairs / kAtomRows + std::min(shape.count, args.pairs));
  const int64_t hidden_blocks = blocks_of(shape.hidden, kTileDepth), width_blocks = blocks_of(shape.width, kTileDepth);
  Parts parts;
  const uint64_t plan_at = parts.add<int32_t>(1);
  const uint64_t tiles_at = parts.add<RowTile>(most_tiles);
  const uint64_t atoms_at = parts.add<char>(capacity * hidden_blocks * kAtomBytes);
  const uint64_t activated_at = parts.add<char>(capacity * width_blocks * kAtomBytes);
  char* scratch = static_cast<char*>(stream.scratch(parts.bytes()));
  int32_t* plan = reinterpret_cast<int32_t*>(scratch + plan_at);
  RowTile* tiles = reinterpret_cast<RowTile*>(scratch + tiles_at);
  stream.launch(kernels.ffn_plan, {}, (shape.count + 31) / 32 * 32,
                static_cast<uint32_t>(2 * (shape.count + 1) * sizeof(int32_t)), args.offsets, shape.count, args.pairs,
                form.tile_rows, tiles, plan, stream.device().status());
  const GatherJob gather = {args.row_of_pair,   nullptr,  0,          tiles,          plan,
                            scratch + atoms_at, capacity, args.pairs, form.tile_rows, shape.hidden};
  stream.launch(kernels.gather, {hidden_blocks, most_tiles}, kGatherThreads, 0, gather);

  FfnJob job = {};
  job.width = shape.width;
  job.hidden = shape.hidden;
  job.activation = shape.activation;
  job.alpha = shape.alpha;
  job.limit = shape.limit;
  job.activated = scratch + activated_at;
  job.out_of_pair = args.out_of_pair;
  job.gemm = {experts->gate_up,
              experts->gate_up_bytes,
              scratch + atoms_at,
              tiles,
              plan,
              capacity,
              args.pairs,
              static_cast<int32_t>(hidden_blocks),
              1,
              1,
              static_cast<int32_t>(width_blocks),
              most_tiles};
  job.bias = experts->gate_up_bias;
  job.bias_stride = 2 * static_cast<int64_t>(shape.width);
  stream.launch(kernels.ffn_gate_up, grid_of(form, job.gemm), form.threads, form.shared_bytes, job);
  job.gemm.weights = experts->down;
  job.gemm.expert_bytes = experts->down_bytes;
  job.gemm.atoms = scratch + activated_at;
  job.gemm.depth_blocks = static_cast<int32_t>(width_blocks);
  job.gemm.feature_blocks = static_cast<int32_t>(blocks_of(shape.hidden, kTileFeatures));
  job.bias = experts->down_bias;
  job.bias_stride = shape.hidden;
  stream.launch(kernels.ffn_down, grid_of(form, job.gemm), form.threads, form.shared_bytes, job);
}

}  // namespace mk::cuda

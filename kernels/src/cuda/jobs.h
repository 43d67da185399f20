// What kernels.cu takes beyond the structs of mk.h: the same declarations on both sides.
#pragma once

#include "cuda/shapes.h"
#include "mk/mk.h"

namespace mk::cuda {

// Rows in fp32 to atoms in bf16.
struct GatherJob {
  const float* const* row_of_pair;  // or null: row p is in + p * in_stride
  const float* in;
  int64_t in_stride;
  const RowTile* tiles;  // or null: tiles of one expert follow one another
  const int32_t* plan;   // plan[0]: the number of tiles
  char* atoms;
  int32_t capacity;  // atoms of a depth block
  int32_t rows;
  int32_t tile_rows;
  int32_t columns;
};

struct GemmJob {
  const char* weights;  // tiles; expert e's begin at e * expert_bytes
  int64_t expert_bytes;
  const char* atoms;
  const RowTile* tiles;
  const int32_t* plan;
  int32_t capacity;
  int32_t rows;
  int32_t depth_blocks;
  int32_t splits;  // parts of the in_features that are summed apart and then added in order
  int32_t parts;   // splits, where other blocks sum each of them, else 1
  int32_t feature_blocks;
  int32_t row_tiles;  // at most
};

struct DenseJob {
  GemmJob gemm;
  const float* bias;
  const float* residual;
  float* out;
  float* partial;  // [splits][rows][features]: sums of parts of the in_features, by a block each; or null
  int32_t*
      arrivals;  // [feature blocks] zeros: parts that are there, and the last block adds them; null: another kernel does
  int64_t residual_stride;
  int64_t out_stride;
  int32_t features;
};

struct FfnJob {
  GemmJob gemm;
  const float* bias;  // [experts][bias_stride], or null: gate then up, or down
  int64_t bias_stride;
  char* activated;            // atoms of the width (gate and up)
  float* const* out_of_pair;  // (down)
  int32_t width;
  int32_t hidden;
  int32_t activation;
  float alpha;
  float limit;
};

// A product with fp32 weights [features][columns].
struct PlainJob {
  const float* in;
  const float* weights;
  const float* bias;
  const float* residual;
  float* out;
  int64_t in_stride;
  int64_t residual_stride;
  int64_t out_stride;
  int32_t rows;
  int32_t features;
  int32_t columns;
};

// Of kLogSumPart logits of a row.
struct LogSumPart {
  float most;
  int32_t best;  // the lowest index of the maximum
  double sum;
};

struct AttentionJob {
  mk_paged_attention_args args;
  float* partial;  // [rows][heads][splits][head_dim + 2]: unnormalised out, maximum, sum
  int32_t first_row;
  int32_t splits;  // of the longest row that the block tables can hold
};

}  // namespace mk::cuda

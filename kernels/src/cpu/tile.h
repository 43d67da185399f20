// Rows times packed panels, in tiles that stay in registers. Every output element is one fma chain over the
// in_features, whatever the tile's shape. Rows are prepared (rows.h): beside bf16 weights rounded, else fp32 as they are.
#pragma once

#include "pair_tile.h"
#include "runtime.h"
#include "stored.h"

namespace mk::MK_ISA {

// Sums fill 24 of 32 registers, or 12 of 16; the others hold weights and a row's value.
#if defined(__AVX512F__)
constexpr int kMostTileRows = 12;
#else
constexpr int kMostTileRows = 6;
#endif

// Units side by side for so many rows: a few rows leave the fma pipeline waiting for its own results unless there are
// eight chains or so.
static constexpr int units_beside(int rows) {
#if defined(__AVX512F__)
  return rows <= 3 ? 4 : rows <= 6 ? 2 : 1;
#else
  return rows == 1 ? 4 : rows == 2 ? 2 : 1;
#endif
}

// A tile's sums: [rows][units beside each other][2 halves][kLanes].
constexpr int kMostTileSums = kMostTileRows * 2 * kLanes;
constexpr int kUnitSums = 2 * kLanes;

// How far ahead of the sums a panel's own lines are asked for: far enough that memory answers in time, whatever a line
// occupies the multipliers. Units side by side share what the core can have under way.
constexpr int64_t kNearBytes = 64 * 160;

// At their ends, units side by side ask for the beginnings of the panels after them all.
static inline Ahead near_ahead(const PackedMatrix& matrix, int32_t units) {
  const int32_t line = line_bytes_of(matrix.dtype);
  const int64_t distance = units == 4 ? kNearBytes * 3 / 8 : kNearBytes;
  const int32_t turn = lines_of(matrix.columns, matrix.dtype) - static_cast<int32_t>(distance / line);
  const int64_t panels = units > kUnitsPerPanel ? units / kUnitsPerPanel : 1;
  return {distance, line, turn, panels * static_cast<int64_t>(matrix.panel_bytes) - static_cast<int64_t>(turn) * line};
}

// Tile `tile` of the `tiles` that pass over one panel, for the lines of the next: the first tile brings its own panel's,
// those after it share the next panel among them, so that memory never rests while they multiply.
static inline Ahead ahead_of(const PackedMatrix& matrix, int32_t units, int32_t tile, int32_t tiles) {
  if (tile == 0) return near_ahead(matrix, units);
  const int32_t line = line_bytes_of(matrix.dtype);
  const int64_t part = static_cast<int64_t>(lines_of(matrix.columns, matrix.dtype)) * line / (tiles - 1);
  const int64_t offset = static_cast<int64_t>(matrix.panel_bytes) + part * (tile - 1);
  return {offset, line / (tiles - 1), 0, offset};
}

// Computes the tile of `rows` rows and of `units` units from `unit` on, `units` being units_beside(rows) or 1.
// `in[r]` is row r from the matrix' first column on. With `resume`, the chains go on from what `sums` holds.
void multiply_tile(const PackedMatrix& matrix, int32_t unit, int32_t units, const void* const* in, int32_t rows,
                   const Ahead& ahead, bool resume, float* sums);

// Columns begin .. end-1 of a panel as a panel of MK_F32. `begin` is a multiple of kStretch.
void widen_panel(const PackedMatrix& matrix, int32_t panel, int32_t begin, int32_t end, float* out);

// Columns that are widened at a time: as many as stay in the first-level cache beside rows and sums.
constexpr int32_t kStretch = 128;
static_assert(kStretch % kF8ScaleColumns == 0 && kStretch % kMxfp4ScaleColumns == 0);

// Rows that a widened stretch serves.
constexpr int32_t kWidenedRows = 8 * kMostTileRows;

// Nothing to ask for: weights that are in the cache.
constexpr Ahead kResting = {0, 0, 0, 0};

// Rows that pass over a panel before the next one.
constexpr int32_t kBlockRows = 4 * kMostTileRows;

// What happens to a finished pair of sums: features `lane` .. of both halves of `panel`, for row `row` of the call.
//   void operator()(int32_t row, int32_t panel, int32_t lane, V first, V second) const

template <typename Finish>
MK_INLINE void finish_tile(const float* sums, int32_t unit, int32_t units, int32_t row, int32_t rows,
                           const Finish& finish) {
  for (int32_t r = 0; r < rows; ++r) {
    for (int32_t u = unit; u < unit + units; ++u, sums += kUnitSums) {
      finish(row + r, u / kUnitsPerPanel, u % kUnitsPerPanel * kLanes, load(sums), load(sums + kLanes));
    }
  }
}

// Tiles of about equal height, so that none is left with a single row: how high the next is.
MK_INLINE int32_t next_tile_rows(int32_t rows_left) {
  const int32_t tiles = (rows_left + kMostTileRows - 1) / kMostTileRows;
  return (rows_left + tiles - 1) / tiles;
}

// One panel of a type with scales for so many rows that several tiles need it.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_widened(const PackedMatrix& matrix, int32_t panel, int32_t row_begin, int32_t row_count,
                                const RowAt& row_at, const Finish& finish) {
  alignas(64) float widened[kStretch * kPanelWidth];
  alignas(64) float sums[kWidenedRows * kPanelWidth];
  PackedMatrix stretch = {widened, sizeof widened, 0, 1, MK_F32};
  for (int32_t begin = 0; begin < matrix.columns; begin += kStretch) {
    stretch.columns = begin + kStretch < matrix.columns ? kStretch : matrix.columns - begin;
    widen_panel(matrix, panel, begin, begin + stretch.columns, widened);
    for (int32_t row = 0; row < row_count;) {
      const int32_t rows = next_tile_rows(row_count - row);
      const void* in[kMostTileRows];
      for (int32_t r = 0; r < rows; ++r) in[r] = static_cast<const float*>(row_at(row_begin + row + r)) + begin;
      for (int32_t u = 0; u < kUnitsPerPanel; ++u)
        multiply_tile(stretch, u, 1, in, rows, kResting, begin > 0, sums + row * kPanelWidth + u * rows * kUnitSums);
      row += rows;
    }
  }
  for (int32_t row = 0; row < row_count;) {
    const int32_t rows = next_tile_rows(row_count - row);
    for (int32_t u = 0; u < kUnitsPerPanel; ++u) {
      finish_tile(sums + row * kPanelWidth + u * rows * kUnitSums, panel * kUnitsPerPanel + u, 1, row_begin + row, rows,
                  finish);
    }
    row += rows;
  }
}

MK_INLINE auto tile_of(const Runtime& runtime, const PackedMatrix& matrix) {
#if defined(__AVX512F__)
  if (matrix.dtype == MK_BF16 && uses_pairs(runtime)) return &avx512bf16::multiply_pair_tile;
#endif
  (void)runtime, (void)matrix;
  return &multiply_tile;
}

// Panels panel_begin .. panel_end-1 for rows row_begin .. row_end-1, whose inputs `row_at(i)` gives.
template <typename RowAt, typename Finish>
MK_INLINE void multiply_rows(const Runtime& runtime, const PackedMatrix& matrix, int32_t panel_begin, int32_t panel_end,
                             int32_t row_begin, int32_t row_end, const RowAt& row_at, const Finish& finish) {
  if (scale_columns_of(matrix.dtype) != 0 && row_end - row_begin > kMostTileRows) {
    for (int32_t panel = panel_begin; panel < panel_end; ++panel) {
      for (int32_t row = row_begin; row < row_end; row += kWidenedRows) {
        const int32_t rows = row_end - row < kWidenedRows ? row_end - row : kWidenedRows;
        multiply_widened(matrix, panel, row, rows, row_at, finish);
      }
    }
    return;
  }
  auto* const multiply = tile_of(runtime, matrix);
  // Rows pass over a panel in tiles; a block of tiles passes over it before the next panel, so that memory brings the
  // next while they multiply.
  for (int32_t block = row_begin; block < row_end; block += kBlockRows) {
    const int32_t block_end = block + kBlockRows < row_end ? block + kBlockRows : row_end;
    const int32_t tiles = (block_end - block + kMostTileRows - 1) / kMostTileRows;
    const int32_t unit_end = panel_end * kUnitsPerPanel;
    for (int32_t unit = panel_begin * kUnitsPerPanel; unit < unit_end;) {
      const int32_t beside = tiles == 1 ? units_beside(block_end - block) : 1;
      const int32_t units = unit + beside <= unit_end ? beside : 1;
      for (int32_t row = block, tile = 0; row < block_end; ++tile) {
        const int32_t rows = next_tile_rows(block_end - row);
        const void* in[kMostTileRows];
        for (int32_t r = 0; r < rows; ++r) in[r] = row_at(row + r);
        alignas(64) float sums[kMostTileSums];
        multiply(matrix, unit, units, in, rows, ahead_of(matrix, units, tile, tiles), false, sums);
        finish_tile(sums, unit, units, row, rows, finish);
        row += rows;
      }
      unit += units;
    }
  }
}

// Stores the first `count` of a register's lanes.
MK_INLINE void store_some(float* out, int32_t count, V value) {
  if (count >= kLanes)
    store(out, value);
  else if (count > 0)
    store_first(out, count, value);
}

// Stores a pair of sums as features `feature` .. and `feature` + 16 .. of a row of `features`.
MK_INLINE void store_halves(float* row, int32_t feature, int32_t features, V first, V second) {
  store_some(row + feature, features - feature, first);
  if (features > feature + kPanelHalf) store_some(row + feature + kPanelHalf, features - feature - kPanelHalf, second);
}

// Estimated time on one core, for the choice of threads: streaming the weights or multiplying, whichever takes longer.
MK_INLINE double product_ns(const PackedMatrix& matrix, int64_t rows) {
  const double bytes = static_cast<double>(matrix.panel_bytes) * matrix.panels;
  const double weights = static_cast<double>(matrix.columns) * matrix.panels * kPanelWidth;
  const double widen_ns = scale_columns_of(matrix.dtype) != 0 ? weights / kLanes : 0.0;
  const double stream_ns = bytes / 16.0;
  const double per_ns = (kLanes == 16 ? 120.0 : 60.0) * (is_integer(matrix.dtype) ? 3.0 : 1.0);
  const double multiply_ns = widen_ns + 2.0 * weights * static_cast<double>(rows) / per_ns;
  return stream_ns > multiply_ns ? stream_ns : multiply_ns;
}

// Panels that a thread takes at a time: a few, so that single rows have several streams in flight, but few enough that
// all threads get some and that the panels stay in the second-level cache while further tiles of rows pass over them.
MK_INLINE int32_t panels_at_once(const PackedMatrix& matrix, int32_t threads) {
  const int64_t cache_panels = static_cast<int64_t>((512u << 10) / (matrix.panel_bytes + 1)) + 1;
  const int64_t fair_panels = matrix.panels / (4 * static_cast<int64_t>(threads)) + 1;
  const int64_t least = cache_panels < fair_panels ? cache_panels : fair_panels;
  return static_cast<int32_t>(least < 4 ? least : 4);
}

// How a product of `matrices` matrices of one shape is cut into items: chunks of panels, and blocks of rows where
// panels alone do not occupy the threads.
struct ProductCut {
  int32_t panels_at_once;
  int32_t panel_chunks;
  int32_t rows_at_once;
  int32_t row_blocks;
};

MK_INLINE ProductCut cut_product(const PackedMatrix& matrix, int32_t matrices, int32_t rows, int32_t threads) {
  constexpr int32_t kLeastRowBlock = 4 * kMostTileRows;
  ProductCut cut = {panels_at_once(matrix, threads), 0, rows, 1};
  cut.panel_chunks = (matrix.panels + cut.panels_at_once - 1) / cut.panels_at_once;
  if (static_cast<int64_t>(cut.panel_chunks) * matrices < 2 * threads && rows >= 2 * kLeastRowBlock) {
    cut.row_blocks = rows / kLeastRowBlock;
    cut.rows_at_once = (rows + cut.row_blocks - 1) / cut.row_blocks;
    cut.row_blocks = (rows + cut.rows_at_once - 1) / cut.rows_at_once;
  }
  return cut;
}

}  // namespace mk::MK_ISA

// The panels of packed.h, filled from rows of a checkpoint's matrices.
#pragma once

#include <vector>

#include "packed.h"
#include "runtime.h"
#include "source.h"

namespace mk {

struct Panel {
  char* out;
  SourceRow features[kPanelWidth];  // first half, then second half
};

// The size of a panel: whole 64-byte lines.
uint64_t panel_bytes_of(int32_t columns, int32_t dtype);

// Fills all panels. Throws Error for what shows only in the elements.
void pack_panels(Runtime& runtime, const std::vector<Panel>& panels, int32_t columns, int32_t dtype);

}  // namespace mk

// Where tests keep the usual allocator, no GPU reads their memory.
#include "harness.h"

bool mk::test::device_reads_tests_memory() { return false; }

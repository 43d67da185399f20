#include "bell_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.h"

namespace m2n {

BellPipe::BellPipe(bool is_open) {
  if (!is_open) return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    throw Failure(M2N_INTERNAL, sentence("a pipe cannot be opened: %s", strerror(errno)));
  reading_ = Descriptor(ends[0]);
  writing_ = Descriptor(ends[1]);
}

void BellPipe::empty() const {
  char rings[64];
  while (read(reading_.get(), rings, sizeof rings) == sizeof rings) {
  }
}

}  // namespace m2n

// The pipe that wakes an endpoint which sleeps in poll(). Peers of the same host open its writing end through /proc, so
// it has no name and dies with its owner.
#ifndef M2N_SRC_BELL_PIPE_H
#define M2N_SRC_BELL_PIPE_H

#include "descriptor.h"

namespace m2n {

class BellPipe {
 public:
  // Not opened: the endpoint sleeps on its doorbell's word.
  explicit BellPipe(bool is_open);
  int reading_end() const { return reading_.get(); }
  int writing_end() const { return writing_.get(); }
  void empty() const;

 private:
  Descriptor reading_, writing_;
};

}  // namespace m2n

#endif

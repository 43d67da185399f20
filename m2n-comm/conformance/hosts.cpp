#include "hosts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace m2n::conformance {

bool enter_host(const std::string& name) {
  const std::string path = "/run/netns/" + name;
  const int space = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  // UCX lists interfaces from /sys, which shows the namespace it was mounted in.
  const bool entered = space >= 0 && setns(space, CLONE_NEWNET) == 0 && unshare(CLONE_NEWNS) == 0 &&
                       mount("", "/", "none", MS_SLAVE | MS_REC, nullptr) == 0 && umount2("/sys", MNT_DETACH) == 0 &&
                       mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0;
  if (!entered) std::fprintf(stderr, "the network namespace %s cannot be entered: %s\n", name.c_str(), strerror(errno));
  if (space >= 0) close(space);
  return entered;
}

}  // namespace m2n::conformance

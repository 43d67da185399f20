#include "transports/shm/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace m2n {

uint64_t start_time(uint32_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  char text[1024];
  const ssize_t length = read(file.get(), text, sizeof text - 1);
  if (length <= 0) return 0;
  text[length] = '\0';
  // The second field is the program's name in parentheses and may hold anything; the start time is the 20th field after
  // it.
  const char* field = std::strrchr(text, ')');
  for (int i = 0; field != nullptr && i < 20; ++i) field = std::strchr(field + 1, ' ');
  return field == nullptr ? 0 : std::strtoull(field + 1, nullptr, 10);
}

Descriptor open_process(uint32_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

bool has_ended(const Descriptor& process) {
  pollfd question{process.get(), POLLIN, 0};
  return poll(&question, 1, 0) > 0;
}

}  // namespace m2n

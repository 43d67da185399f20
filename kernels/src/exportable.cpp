#include "exportable.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "error.h"

namespace mk {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

void* map_file(int32_t file, uint64_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (address == MAP_FAILED)
    throw Error(MK_NO_MEMORY, "memory of another process cannot be mapped: " + std::string(std::strerror(errno)));
  return address;
}

int32_t make_file(uint64_t bytes) {
  // Asked for more than there is, the system would not refuse but end processes.
  if (bytes > static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)))
    throw Error(MK_NO_MEMORY, std::to_string(bytes) + " bytes are more than this machine has");
  const int32_t file = memfd_create("megakernels-rows", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) throw Error(MK_INTERNAL, "memfd_create: " + std::string(std::strerror(errno)));
  // The pages are taken now: later there is nobody to tell that memory has run out.
  if (ftruncate(file, static_cast<off_t>(bytes)) == 0 && fallocate(file, 0, 0, static_cast<off_t>(bytes)) == 0 &&
      fcntl(file, F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) == 0)
    return file;
  const std::string why = std::strerror(errno);
  close(file);
  throw Error(MK_NO_MEMORY, "no " + std::to_string(bytes) + " bytes for other processes to map: " + why);
}

}  // namespace

void* HostExportable::allocate(uint64_t bytes) {
  require(bytes > 0, "bytes must be at least 1");
  const int32_t file = make_file(bytes);
  void* address = nullptr;
  try {
    address = map_file(file, bytes);
  } catch (const Error&) {
    close(file);
    throw;
  }
  const std::lock_guard lock(mutex_);
  mappings_[address] = {bytes, file};
  return address;
}

int32_t HostExportable::open(const void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mappings_.find(address);
  require(found != mappings_.end() && found->second.file >= 0, "address is not of mk_exportable_allocate");
  const int32_t file = fcntl(found->second.file, F_DUPFD_CLOEXEC, 0);
  if (file < 0) throw Error(MK_INTERNAL, "no descriptor is left: " + std::string(std::strerror(errno)));
  return file;
}

void* HostExportable::map(int32_t file, uint64_t bytes) {
  struct stat status = {};
  // A file that shrinks while it is mapped would end this process.
  const int seals = fcntl(file, F_GET_SEALS);
  require(seals >= 0 && (seals & kSizeSeals) == kSizeSeals && fstat(file, &status) == 0 && bytes > 0 &&
              static_cast<uint64_t>(status.st_size) == bytes,
          "file is not of mk_exportable_open with so many bytes");
  void* address = map_file(file, bytes);
  const std::lock_guard lock(mutex_);
  mappings_[address] = {bytes, -1};
  return address;
}

void HostExportable::release(void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mappings_.find(address);
  if (found == mappings_.end()) return;
  munmap(address, found->second.bytes);
  if (found->second.file >= 0) close(found->second.file);
  mappings_.erase(found);
}

}  // namespace mk

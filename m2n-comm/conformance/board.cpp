#include "board.h"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace m2n::conformance {

Board& Board::make() {
  void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return *new (memory) Board;
}

void Board::clear() {
  for (Place& place : places_) place.version = 0;
  stop = senders_done = 0;
  sent = served = lost = 0;
  failed_ = 0;
  failure_[0] = '\0';
}

void Board::put(uint32_t receiver, const std::vector<uint8_t>& address) {
  Place& place = places_[receiver];
  const uint64_t version = versions_.fetch_add(2);
  place.version.store(version | 1);
  place.length.store(static_cast<uint32_t>(address.size()));
  uint64_t words[kAddressWords] = {};
  std::memcpy(words, address.data(), address.size());
  for (std::size_t i = 0; i < kAddressWords; ++i) place.address[i].store(words[i]);
  place.version.store(version);
}

std::vector<uint8_t> Board::get(uint32_t receiver) const {
  const Place& place = places_[receiver];
  const uint64_t version = place.version.load();
  if (version == 0 || version % 2 == 1) return {};
  std::vector<uint8_t> address(M2N_ADDRESS_BYTES);
  uint64_t words[kAddressWords];
  for (std::size_t i = 0; i < kAddressWords; ++i) words[i] = place.address[i].load();
  std::memcpy(address.data(), words, sizeof words);
  const uint32_t length = place.length.load();
  if (place.version.load() != version || length > address.size()) return {};
  address.resize(length);
  return address;
}

void Board::fail(const char* format, ...) {
  if (failed_.exchange(1) == 0) {
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(failure_, sizeof failure_, format, arguments);
    va_end(arguments);
  }
  stop = 1;
}

}  // namespace m2n::conformance

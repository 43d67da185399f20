// One sender and one receiver on two hosts whose link goes silent in the middle: for silent-link-test.
//   m2n_silent_link TRANSPORT receiver FILE             writes its address to FILE and receives for a minute at most
//   m2n_silent_link TRANSPORT sender FILE CUT MEND      CUT and MEND are commands that cut the link and mend it
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "support.h"

namespace m2n::test {
namespace {

constexpr uint64_t kDeadlineUs = 1'000'000;
constexpr unsigned kLongestLifeS = 60;

Handle open_over_network(m2n_transport transport, m2n_role role) {
  m2n_config config = config_of(transport, role, 0);
  std::memcpy(config.interface_name, "eth0", 5);
  return open(config);
}

int receive(m2n_transport transport, const std::string& file) {
  const Handle receiver = open_over_network(transport, M2N_RECEIVER);
  const std::vector<uint8_t> address = address_of(receiver.get());
  std::ofstream(file + ".new", std::ios::binary)
      .write(reinterpret_cast<const char*>(address.data()), static_cast<std::streamsize>(address.size()));
  std::rename((file + ".new").c_str(), file.c_str());
  for (;;) {
    m2n_batch batch;
    if (m2n_receive(receiver.get(), &kGather, 100'000, &batch) != M2N_OK) continue;
    compute(batch, 0, {});
    m2n_return(receiver.get(), &batch, M2N_OK, 0);
  }
}

// The status of one round trip, and how long it took.
int32_t round_trip(m2n_endpoint* sender, uint32_t slot, double* seconds) {
  if (write_piece(sender, slot, 0, small_piece(), 7, {}) != M2N_OK) return M2N_INTERNAL;
  const auto started = std::chrono::steady_clock::now();
  const m2n_message message = message_of(0, kDeadlineUs);
  m2n_ticket ticket;
  m2n_result result{};
  uint32_t count;
  m2n_dispatch(sender, slot, &message, &ticket);
  while (m2n_combine(sender, ticket, 20'000'000, &result, 1, &count) == M2N_PENDING) {
  }
  *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  m2n_release(sender, ticket);
  return result.status;
}

int fail(const char* what, int32_t status, double seconds) {
  std::fprintf(stderr, "%s: status %d after %.3f s\n", what, status, seconds);
  return 1;
}

int send(m2n_transport transport, const std::string& file, const char* cut, const char* mend) {
  while (access(file.c_str(), R_OK) != 0) usleep(10'000);
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> address((std::istreambuf_iterator<char>(stream)), {});
  const Handle sender = open_over_network(transport, M2N_SENDER);
  if (m2n_connect(sender.get(), 0, reinterpret_cast<const uint8_t*>(address.data()),
                  static_cast<uint32_t>(address.size()), 20'000'000) != M2N_OK)
    return fail(m2n_last_error(), 0, 0);
  double seconds = 0;
  int32_t status = round_trip(sender.get(), 0, &seconds);
  if (status != M2N_OK) return fail("before the cut", status, seconds);
  if (std::system(cut) != 0) return fail("the link cannot be cut", 0, 0);
  status = round_trip(sender.get(), 0, &seconds);
  std::printf("silent link: status %d after %.3f s, with a deadline of 1 s\n", status, seconds);
  // A loaded machine may be late; early it never is.
  if (status != M2N_TIMEOUT || seconds < 1.0 || seconds > 5.0) return fail("while cut", status, seconds);
  if (std::system(mend) != 0) return fail("the link cannot be mended", 0, 0);
  m2n_slot_view view;
  m2n_status opened = M2N_PENDING;
  for (int i = 0; i < 30'000 && opened == M2N_PENDING; ++i) {
    usleep(1'000);
    opened = m2n_slot_open(sender.get(), 0, 0, 1, 1, 1, &view);
  }
  if (opened != M2N_OK) return fail("after the mending", opened, 0);
  status = round_trip(sender.get(), 0, &seconds);
  return status == M2N_OK ? 0 : fail("after the mending", status, seconds);
}

}  // namespace
}  // namespace m2n::test

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) return 2;
  const m2n_transport transport = std::strcmp(argv[1], "ucx") == 0 ? M2N_UCX : M2N_TCP;
  m2n_capabilities capabilities{};
  m2n_transport_capabilities(transport, &capabilities);
  if (capabilities.available == 0) {
    std::fprintf(stderr, "skipped: %s\n", m2n_last_error());
    return 77;
  }
  alarm(m2n::test::kLongestLifeS);
  if (argc == 4) return m2n::test::receive(transport, argv[3]);
  return m2n::test::send(transport, argv[3], argv[4], argv[5]);
}

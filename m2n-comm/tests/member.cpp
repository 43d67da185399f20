// A peer in a process of its own, for process_test.cpp: a program, not a fork, since UCX does not survive one.
//   m2n_member receiver TRANSPORT RANK     writes its address to stdout and receives for ever; receiver 0 takes pieces of
//                                          tag 3 and never returns them
//   m2n_member sender TRANSPORT ADDRESS    connects to the receiver at that address, dispatches one piece, says so with
//                                          one byte on stdout, and stays
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "support.h"

namespace m2n::test {
namespace {

constexpr unsigned kLongestLifeS = 1800;  // whatever becomes of the test

void tell(const void* bytes, std::size_t length) {
  if (write(STDOUT_FILENO, bytes, length) != static_cast<ssize_t>(length)) std::exit(1);
}

void run_receiver(m2n_transport transport, uint32_t rank) {
  const Handle receiver = open(transport, M2N_RECEIVER, rank);
  const std::vector<uint8_t> address = address_of(receiver.get());
  tell(address.data(), address.size());
  for (;;) {
    m2n_batch batch;
    if (m2n_receive(receiver.get(), &kGather, 100'000, &batch) != M2N_OK) continue;
    while (batch.tag == 3 && rank == 0) pause();
    compute(batch, rank, {});
    m2n_return(receiver.get(), &batch, M2N_OK, 0);
  }
}

void run_sender(m2n_transport transport, const std::string& address_text) {
  std::vector<uint8_t> address(address_text.size() / 2);
  for (std::size_t i = 0; i < address.size(); ++i)
    address[i] = static_cast<uint8_t>(std::stoul(address_text.substr(2 * i, 2), nullptr, 16));
  const Handle sender = open(transport, M2N_SENDER, 0);
  if (m2n_connect(sender.get(), 0, address.data(), static_cast<uint32_t>(address.size()), 20'000'000) != M2N_OK) {
    std::fprintf(stderr, "%s\n", m2n_last_error());
    std::exit(1);
  }
  write_piece(sender.get(), 0, 0, small_piece(), 1, {});
  const m2n_message message = message_of(0);
  m2n_ticket ticket;
  m2n_dispatch(sender.get(), 0, &message, &ticket);
  tell("", 1);
  pause();
}

}  // namespace
}  // namespace m2n::test

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  alarm(m2n::test::kLongestLifeS);
  const auto transport = static_cast<m2n_transport>(std::atoi(argv[2]));
  if (std::strcmp(argv[1], "receiver") == 0)
    m2n::test::run_receiver(transport, static_cast<uint32_t>(std::atoi(argv[3])));
  else
    m2n::test::run_sender(transport, argv[3]);
}

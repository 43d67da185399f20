/* Two processes of one host: a sender dispatches rows, a receiver doubles each and returns it. Uses m2n.h alone.
 *   cc round_trip.c -lm2n && ./a.out */
#include "m2n/m2n.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLOATS = 256, ROWS = 8, ROUNDS = 1000, SECOND_US = 1000000 };

static void check(m2n_status status, const char* what) {
  if (status != M2N_OK) exit(fprintf(stderr, "%s: %s\n", what, m2n_last_error()) ? 1 : 2);
}

/* Both sides of a pair must agree on all sizes, and know the secret. */
static m2n_endpoint* open_endpoint(int32_t role) {
  m2n_config config = {0};
  config.struct_bytes = sizeof config;
  config.transport = M2N_SHM;
  config.role = role;
  config.max_peers = 1;
  config.slots = 2;
  config.max_rows = config.max_pairs = ROWS;
  config.max_groups = 1;
  config.row_bytes = config.result_bytes = FLOATS * sizeof(float);
  memcpy(config.secret, "sixteen secret b", M2N_SECRET_BYTES);
  m2n_endpoint* endpoint = NULL;
  check(m2n_endpoint_open(&config, &endpoint), "open");
  return endpoint;
}

static int receive(int address_pipe) {
  m2n_endpoint* endpoint = open_endpoint(M2N_RECEIVER);
  uint8_t address[M2N_ADDRESS_BYTES];
  uint32_t length = 0;
  check(m2n_endpoint_address(endpoint, address, sizeof address, &length), "address");
  if (write(address_pipe, address, length) != (ssize_t)length) exit(1); /* the control plane of this example */
  const m2n_gather gather = {.tag_count = 1, .window_us = 0, .max_pairs = ROWS, .early = 0};
  for (int served = 0; served < ROUNDS;) {
    m2n_batch batch;
    const m2n_status status = m2n_receive(endpoint, &gather, SECOND_US, &batch); /* also accepts the sender */
    if (status == M2N_PENDING) continue;
    check(status, "receive");
    for (uint32_t i = 0; i < batch.count; ++i) {
      const m2n_piece* piece = &batch.pieces[i];
      for (uint32_t pair = 0; pair < piece->pairs; ++pair) { /* indices are checked already */
        const float* row = (const float*)piece->rows + (size_t)piece->row_of_pair[pair] * FLOATS;
        float* result = (float*)piece->results + (size_t)pair * FLOATS;
        for (int k = 0; k < FLOATS; ++k) result[k] = 2 * row[k];
      }
    }
    check(m2n_return(endpoint, &batch, M2N_OK, 0), "return");
    served += (int)batch.count;
  }
  m2n_endpoint_close(endpoint);
  return 0;
}

static void send_all(const uint8_t* address, uint32_t length) {
  m2n_endpoint* endpoint = open_endpoint(M2N_SENDER);
  check(m2n_connect(endpoint, 0, address, length, 10 * SECOND_US), "connect");
  for (int round = 0; round < ROUNDS; ++round) {
    const uint32_t slot = (uint32_t)round % 2;
    m2n_slot_view view;
    check(m2n_slot_open(endpoint, slot, 0, ROWS, ROWS, 1, &view), "slot_open");
    for (int k = 0; k < ROWS * FLOATS; ++k) ((float*)view.rows)[k] = (float)(round + k); /* made in place */
    for (uint32_t pair = 0; pair < ROWS; ++pair) view.row_of_pair[pair] = pair;
    view.groups[0] = (m2n_group){.key = 0, .pairs = ROWS};
    const m2n_message message = {.tag = 0, .version = 1, .epoch = 1, .deadline_us = 5 * SECOND_US};
    m2n_ticket ticket;
    check(m2n_dispatch(endpoint, slot, &message, &ticket), "dispatch");
    m2n_result result;
    m2n_status status;
    uint32_t count;
    while ((status = m2n_combine(endpoint, ticket, SECOND_US, &result, 1, &count)) == M2N_PENDING) continue;
    check(status, "combine");
    check((m2n_status)result.status, "the piece"); /* PEER_LOST, TIMEOUT and so on are told here, for each piece */
    if (((const float*)result.rows)[FLOATS] != 2.0f * (float)(round + FLOATS)) exit(1);
    check(m2n_release(endpoint, ticket), "release");
  }
  m2n_endpoint_close(endpoint);
}

int main(void) {
  int ends[2], status = 0;
  uint8_t address[M2N_ADDRESS_BYTES];
  if (pipe(ends) != 0) return 1;
  if (fork() == 0) return receive(ends[1]);
  const ssize_t length = read(ends[0], address, sizeof address);
  if (length <= 0) return 1;
  send_all(address, (uint32_t)length);
  wait(&status);
  printf("%d rounds of %d rows, each doubled by the other process\n", ROUNDS, ROWS);
  return status == 0 ? 0 : 1;
}

#include "member.h"

#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <thread>

#include "support.h"

namespace m2n::conformance {
namespace {

using namespace m2n::test;

constexpr uint32_t kBatchPairs = 100;
constexpr uint64_t kForever = ~uint64_t{0};

// Of all members of one cluster. Some are large, so that messages are published in several chunks.
Sizes sizes_of(const Plan& plan) {
  std::mt19937_64 random(plan.seed);
  Sizes sizes;
  sizes.slots = 1 + random() % 4;
  if (random() % 4 == 0) {
    sizes.row_bytes = 4096;
    sizes.result_bytes = 2048 + 16;
    sizes.max_rows = 24;
  }
  return sizes;
}

m2n_config config_of(const Plan& plan, m2n_role role, uint32_t rank) {
  m2n_config config = test::config_of(plan.options->transport, role, rank, sizes_of(plan));
  config.max_peers = 16;
  std::memset(config.interface_name, 0, sizeof config.interface_name);
  plan.options->interface.copy(config.interface_name, sizeof config.interface_name - 1);
  if (rank % 2 == 1) config.spin_us = config.yield_us = 1;  // sleeps often
  return config;
}

bool is_steady(const Plan& plan) { return plan.mode == Mode::kSteady; }

// ---- receivers ----

void check_batch(const m2n_batch& batch, Board& board) {
  uint64_t pairs = 0;
  for (uint32_t i = 0; i < batch.count; ++i) {
    pairs += batch.pieces[i].pairs;
    for (uint32_t k = 0; k < i; ++k)
      if (batch.pieces[i].peer == batch.pieces[k].peer) board.fail("a batch has two pieces of one sender");
  }
  if (batch.count > 1 && pairs > kBatchPairs) board.fail("a batch of %lu pairs is larger than asked for", pairs);
}

void serve(const Plan& plan, Board& board, m2n_endpoint* endpoint, uint32_t rank, uint64_t batches,
           std::mt19937_64& random) {
  const m2n_gather gather{kTags, static_cast<uint32_t>(random() % 3) * 100, kBatchPairs, 0};
  while (board.stop == 0 && batches-- > 0) {
    m2n_batch batch;
    const m2n_status status = m2n_receive(endpoint, &gather, 2'000, &batch);
    if (status == M2N_PENDING) continue;
    if (status != M2N_OK) return board.fail("m2n_receive: %d: %s", status, m2n_last_error());
    check_batch(batch, board);
    if (!compute(batch, rank, sizes_of(plan)) && plan.mode != Mode::kKills)
      board.fail("receiver %u was shown a wrong row", rank);
    board.served += batch.count;
    if (random() % 4 == 0) m2n_return_piece(endpoint, &batch, batch.count - 1, M2N_OK, 1);
    if (m2n_return(endpoint, &batch, M2N_OK, 1) != M2N_OK) board.fail("m2n_return: %s", m2n_last_error());
  }
}

// ---- senders ----

struct InFlight {
  m2n_ticket ticket;
  uint32_t slot;
  std::map<uint32_t, std::pair<Piece, uint64_t>> pieces;  // by peer, with the seed of its rows
};

class SenderRun {
 public:
  SenderRun(const Plan& plan, Board& board, uint32_t rank)
      : plan_(plan),
        board_(board),
        rank_(rank),
        random_(plan.seed * 17 + rank),
        sizes_(sizes_of(plan)),
        endpoint_(open(config_of(plan, M2N_SENDER, rank))),
        busy_(sizes_.slots) {}

  void run() {
    for (uint32_t round = 0; round < plan_.options->rounds && board_.stop == 0; ++round) {
      if (!is_steady(plan_) && random_() % 32 == 0) m2n_disconnect(endpoint_.get(), random_() % plan_.receivers);
      if (in_flight_.size() == sizes_.slots) finish();
      uint32_t slot = 0;
      while (busy_[slot]) ++slot;
      InFlight next{0, slot, {}};
      fill(round, next);
      const m2n_message message = message_of(round % kTags);
      if (m2n_dispatch(endpoint_.get(), slot, &message, &next.ticket) != M2N_OK)
        return board_.fail("m2n_dispatch: %s", m2n_last_error());
      busy_[slot] = true;
      in_flight_.push_back(std::move(next));
    }
    while (!in_flight_.empty() && board_.stop == 0) finish();
  }

 private:
  // Skewed routings: most rounds go to few receivers, some to all, some to nobody.
  bool goes_to(uint32_t peer, uint32_t shape) {
    return shape == 0 || (shape == 1 ? peer == random_() % plan_.receivers : random_() % 3 != 0);
  }

  void fill(uint32_t round, InFlight& next) {
    const uint32_t shape = random_() % 4;
    for (uint32_t peer = 0; peer < plan_.receivers; ++peer) {
      if (!goes_to(peer, shape) || board_.stop != 0) continue;
      if (m2n_peer_state(endpoint_.get(), peer) != M2N_OK && !join(peer)) continue;
      Piece piece = random_piece(random_, sizes_);
      const uint64_t seed = plan_.seed * 1'000'003 + rank_ * 10'007 + round * 101 + peer;
      m2n_status status;
      while ((status = write_piece(endpoint_.get(), next.slot, peer, piece, seed, sizes_)) == M2N_PENDING &&
             is_steady(plan_))
        std::this_thread::yield();
      if (!is_steady(plan_) && (status == M2N_PEER_LOST || status == M2N_PENDING)) continue;
      if (status != M2N_OK) return board_.fail("m2n_slot_open: %d: %s", status, m2n_last_error());
      next.pieces[peer] = {std::move(piece), seed};
      ++board_.sent;
    }
  }

  bool join(uint32_t peer) {
    while (board_.stop == 0) {
      const std::vector<uint8_t> address = board_.get(peer);
      if (!address.empty()) {
        const m2n_status status =
            m2n_connect(endpoint_.get(), peer, address.data(), static_cast<uint32_t>(address.size()), 20'000'000);
        if (status == M2N_OK) return true;
        const bool may_fail = !is_steady(plan_) && (status == M2N_PEER_LOST || status == M2N_REFUSED);
        if (!may_fail && board_.stop == 0) board_.fail("m2n_connect: %d: %s", status, m2n_last_error());
        return false;
      }
      if (!is_steady(plan_)) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return false;
  }

  void finish() {
    // Any ticket may be waited for, not only the oldest.
    const std::size_t index = random_() % in_flight_.size();
    const InFlight done = std::move(in_flight_[index]);
    in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(index));
    busy_[done.slot] = false;
    if (is_steady(plan_) || random_() % 8 != 0) expect_results(done);
    if (m2n_release(endpoint_.get(), done.ticket) != M2N_OK) board_.fail("m2n_release: %s", m2n_last_error());
  }

  void expect_results(const InFlight& done) {
    std::array<m2n_result, kMostMembers> results;
    uint32_t count = 0;
    m2n_status status;
    const uint32_t wait_us = random_() % 2 == 0 ? 0 : 5'000;
    do {
      status = m2n_combine(endpoint_.get(), done.ticket, wait_us, results.data(), results.size(), &count);
      if (status == M2N_PENDING && wait_us == 0) std::this_thread::yield();
    } while (status == M2N_PENDING && board_.stop == 0);
    if (board_.stop != 0) return;
    if (status != M2N_OK || count != done.pieces.size())
      return board_.fail("m2n_combine: %d with %u of %zu results: %s", status, count, done.pieces.size(),
                         m2n_last_error());
    for (uint32_t i = 0; i < count; ++i) check(results[i], done);
  }

  void check(const m2n_result& result, const InFlight& done) {
    if (!is_steady(plan_) && result.status == M2N_PEER_LOST) {
      ++board_.lost;
      return;
    }
    const auto found = done.pieces.find(result.peer);
    if (found == done.pieces.end()) return board_.fail("a result of receiver %u, which was sent nothing", result.peer);
    const auto& [piece, seed] = found->second;
    if (!check_result(result, piece, seed, sizes_))
      board_.fail("sender %u: receiver %u's result has status %d and is not what was asked for", rank_, result.peer,
                  result.status);
  }

  const Plan& plan_;
  Board& board_;
  uint32_t rank_;
  std::mt19937_64 random_;
  Sizes sizes_;
  Handle endpoint_;
  std::deque<InFlight> in_flight_;
  std::vector<bool> busy_;
};

}  // namespace

void run_receiver(const Plan& plan, Board& board, uint32_t rank) {
  std::mt19937_64 random(plan.seed * 31 + rank);
  while (board.stop == 0) {
    const Handle endpoint = open(config_of(plan, M2N_RECEIVER, rank));
    board.put(rank, address_of(endpoint.get()));
    serve(plan, board, endpoint.get(), rank, is_steady(plan) ? kForever : 20 + random() % 60, random);
    board.remove(rank);
  }
}

void run_sender(const Plan& plan, Board& board, uint32_t rank) {
  SenderRun(plan, board, rank).run();
  ++board.senders_done;
}

}  // namespace m2n::conformance

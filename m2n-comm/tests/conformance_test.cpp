// M senders and N receivers as threads, random routings, every row checked at both ends; with peers that come and go
// while others run.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "clock.h"
#include "support.h"

namespace m2n::test {
namespace {

struct Plan {
  m2n_transport transport;
  uint32_t senders;
  uint32_t receivers;
  uint32_t rounds;
  uint64_t seed;
  bool churn;  // receivers leave and come back, senders disconnect and abandon tickets
};

// Where the receivers are: what a control plane would tell.
class Directory {
 public:
  void put(uint32_t receiver, std::vector<uint8_t> address) {
    std::lock_guard lock(mutex_);
    addresses_[receiver] = std::move(address);
  }
  void remove(uint32_t receiver) {
    std::lock_guard lock(mutex_);
    addresses_.erase(receiver);
  }
  std::vector<uint8_t> get(uint32_t receiver) {
    std::lock_guard lock(mutex_);
    const auto found = addresses_.find(receiver);
    return found == addresses_.end() ? std::vector<uint8_t>{} : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<uint32_t, std::vector<uint8_t>> addresses_;
};

class Cluster {
 public:
  explicit Cluster(const Plan& plan) : plan_(plan) {
    std::mt19937_64 random(plan.seed);
    sizes_.slots = 1 + random() % 4;
  }

  void run() {
    std::vector<std::thread> receivers, senders;
    for (uint32_t rank = 0; rank < plan_.receivers; ++rank)
      receivers.emplace_back([this, rank] { receive_until_stopped(rank); });
    for (uint32_t rank = 0; rank < plan_.senders; ++rank) senders.emplace_back([this, rank] { send_all(rank); });
    for (std::thread& sender : senders) sender.join();
    stop_ = true;
    for (std::thread& receiver : receivers) receiver.join();
    if (!plan_.churn) {
      EXPECT_EQ(served_, sent_) << "every piece was served exactly once";
    }
  }

 private:
  struct InFlight {
    m2n_ticket ticket;
    uint32_t slot;
    std::map<uint32_t, std::pair<Piece, uint64_t>> pieces;  // by peer, with the seed of its rows
  };

  m2n_config config(m2n_role role, uint32_t rank) const {
    m2n_config config = config_of(plan_.transport, role, rank, sizes_);
    if (rank % 2 == 1) config.spin_us = config.yield_us = 1;  // sleeps often
    return config;
  }

  void receive_until_stopped(uint32_t rank) {
    std::mt19937_64 random(plan_.seed * 31 + rank);
    while (!stop_) {
      const Handle endpoint = open(config(M2N_RECEIVER, rank));
      directory_.put(rank, address_of(endpoint.get()));
      const uint64_t life = plan_.churn ? 20 + random() % 60 : kNever;
      serve(endpoint.get(), rank, life, random);
      directory_.remove(rank);
    }
  }

  void serve(m2n_endpoint* endpoint, uint32_t rank, uint64_t batches, std::mt19937_64& random) {
    const m2n_gather gather{kTags, static_cast<uint32_t>(random() % 3) * 100, 100, 0};
    while (!stop_ && batches-- > 0) {
      m2n_batch batch;
      const m2n_status status = m2n_receive(endpoint, &gather, 2'000, &batch);
      if (status == M2N_PENDING) continue;
      ASSERT_EQ(status, M2N_OK) << m2n_last_error();
      expect_distinct_senders(batch);
      ASSERT_TRUE(compute(batch, rank, sizes_)) << "receiver " << rank << " saw a wrong row";
      served_ += batch.count;
      if (random() % 4 == 0) {
        ASSERT_EQ(m2n_return_piece(endpoint, &batch, batch.count - 1, M2N_OK, 1), M2N_OK);
      }
      ASSERT_EQ(m2n_return(endpoint, &batch, M2N_OK, 1), M2N_OK);
    }
  }

  void expect_distinct_senders(const m2n_batch& batch) {
    uint64_t pairs = 0;
    for (uint32_t i = 0; i < batch.count; ++i) {
      pairs += batch.pieces[i].pairs;
      for (uint32_t k = 0; k < i; ++k) EXPECT_NE(batch.pieces[i].peer, batch.pieces[k].peer);
    }
    if (batch.count > 1) {
      EXPECT_LE(pairs, 100u);
    }
  }

  void send_all(uint32_t rank) {
    std::mt19937_64 random(plan_.seed * 17 + rank);
    const Handle endpoint = open(config(M2N_SENDER, rank));
    std::deque<InFlight> in_flight;
    std::vector<bool> busy(sizes_.slots);
    for (uint32_t round = 0; round < plan_.rounds && !testing::Test::HasFatalFailure(); ++round) {
      if (plan_.churn && random() % 32 == 0) m2n_disconnect(endpoint.get(), random() % plan_.receivers);
      if (in_flight.size() == sizes_.slots) finish(endpoint.get(), in_flight, busy, random);
      uint32_t slot = 0;
      while (busy[slot]) ++slot;
      InFlight next{0, slot, {}};
      fill(endpoint.get(), rank, round, next, random);
      const m2n_message message = message_of(round % kTags);
      ASSERT_EQ(m2n_dispatch(endpoint.get(), slot, &message, &next.ticket), M2N_OK);
      busy[slot] = true;
      in_flight.push_back(std::move(next));
    }
    while (!in_flight.empty()) finish(endpoint.get(), in_flight, busy, random);
  }

  void fill(m2n_endpoint* endpoint, uint32_t rank, uint32_t round, InFlight& next, std::mt19937_64& random) {
    const bool to_one = random() % 4 == 0;
    const uint32_t only = random() % plan_.receivers;
    for (uint32_t peer = 0; peer < plan_.receivers; ++peer) {
      if ((to_one && peer != only) || random() % 5 == 0) continue;
      if (m2n_peer_state(endpoint, peer) != M2N_OK && !join(endpoint, peer)) continue;
      Piece piece = random_piece(random, sizes_);
      const uint64_t seed = (uint64_t{rank} << 40) + (uint64_t{round} << 8) + peer;
      const m2n_status status = write_piece(endpoint, next.slot, peer, piece, seed, sizes_);
      if (plan_.churn && (status == M2N_PEER_LOST || status == M2N_PENDING)) continue;
      ASSERT_EQ(status, M2N_OK) << m2n_last_error();
      next.pieces[peer] = {std::move(piece), seed};
      ++sent_;
    }
  }

  bool join(m2n_endpoint* endpoint, uint32_t peer) {
    for (;;) {
      const std::vector<uint8_t> address = directory_.get(peer);
      if (!address.empty()) {
        const m2n_status status =
            m2n_connect(endpoint, peer, address.data(), static_cast<uint32_t>(address.size()), 10'000'000);
        if (status == M2N_OK) return true;
        EXPECT_TRUE(plan_.churn && (status == M2N_PEER_LOST || status == M2N_REFUSED))
            << status << ": " << m2n_last_error();
        return false;
      }
      if (plan_.churn) return false;
      std::this_thread::yield();
    }
  }

  void finish(m2n_endpoint* endpoint, std::deque<InFlight>& in_flight, std::vector<bool>& busy,
              std::mt19937_64& random) {
    // Any ticket may be waited for, not only the oldest.
    const std::size_t index = random() % in_flight.size();
    const InFlight done = std::move(in_flight[index]);
    in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(index));
    busy[done.slot] = false;
    if (!plan_.churn || random() % 8 != 0) expect_results(endpoint, done, random);
    ASSERT_EQ(m2n_release(endpoint, done.ticket), M2N_OK);
  }

  void expect_results(m2n_endpoint* endpoint, const InFlight& done, std::mt19937_64& random) {
    std::array<m2n_result, 8> results;
    uint32_t count = 0;
    m2n_status status;
    const uint32_t wait_us = random() % 2 == 0 ? 0 : 5'000;
    do {
      status = m2n_combine(endpoint, done.ticket, wait_us, results.data(), results.size(), &count);
      if (status == M2N_PENDING && wait_us == 0) std::this_thread::yield();
    } while (status == M2N_PENDING);
    ASSERT_EQ(status, M2N_OK) << m2n_last_error();
    ASSERT_EQ(count, done.pieces.size());
    for (uint32_t i = 0; i < count; ++i) {
      if (plan_.churn && results[i].status == M2N_PEER_LOST) continue;
      const auto& [piece, seed] = done.pieces.at(results[i].peer);
      ASSERT_TRUE(check_result(results[i], piece, seed, sizes_))
          << "status " << results[i].status << " of receiver " << results[i].peer;
    }
  }

  const Plan plan_;
  Sizes sizes_;
  Directory directory_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> sent_ = 0, served_ = 0;
};

class ConformanceTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void run_all(uint32_t rounds, bool churn) {
    if (!is_available(GetParam())) GTEST_SKIP() << m2n_last_error();
    for (uint64_t seed = 0; seed < amount(1, 50); ++seed) {
      for (uint32_t senders = 1; senders <= 4; ++senders) {
        for (uint32_t receivers = 1; receivers <= 4; ++receivers) {
          SCOPED_TRACE(testing::Message() << senders << " x " << receivers << ", seed " << seed);
          Cluster({GetParam(), senders, receivers, rounds, seed * 100 + senders * 10 + receivers, churn}).run();
          if (HasFailure()) return;
        }
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Transports, ConformanceTest, testing::Values(M2N_LOOPBACK, M2N_SHM, M2N_UCX, M2N_TCP),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ConformanceTest, RandomRoutings_EveryRowArrivesOnce) { run_all(is_sanitized() ? 30 : 100, false); }

TEST_P(ConformanceTest, PeersComeAndGo_OthersGoOn) { run_all(is_sanitized() ? 60 : 200, true); }

}  // namespace
}  // namespace m2n::test

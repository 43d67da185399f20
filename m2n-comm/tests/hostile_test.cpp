// Peers that write whatever they like. What they send is refused or drops their pair; nothing breaks and the others go
// on.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <random>
#include <thread>

#include "acceptor.h"
#include "address.h"
#include "arrival.h"
#include "clock.h"
#include "failure.h"
#include "shared_memory.h"
#include "support.h"

namespace m2n::test {
namespace {

PairSizes pair_sizes(const Sizes& sizes) {
  return {sizes.slots, sizes.max_rows, sizes.max_pairs, sizes.max_groups, sizes.row_bytes, sizes.result_bytes};
}

// A sender with its hands on the shared memory.
class RawSender {
 public:
  RawSender(m2n_transport transport, m2n_endpoint* receiver, uint32_t rank)
      : transport_(make_transport(transport)), own_(transport_->create(kDoorbellMagic, kDoorbellBytes)) {
    const std::vector<uint8_t> bytes = address_of(receiver);
    const Address address = parse_receiver_address(bytes.data(), static_cast<uint32_t>(bytes.size()), transport);
    doorbell_region_ = transport_->map(address.doorbell, kDoorbellMagic, kDoorbellBytes);
    bell = Doorbell(*doorbell_region_, transport_->is_private());
    region_ = transport_->create(kPairMagic, layout_.region_bytes);
    view = PairView(region_->base(), nullptr, layout_);
    ConnectRequest request{M2N_ABI_VERSION, rank, pair_sizes(sizes_), {}, region_->name(), own_->name()};
    std::memcpy(request.secret, "0123456789abcdef", M2N_SECRET_BYTES);
    ConnectClaim claim(bell.shared().table);
    ConnectAnswer answer{};
    m2n_batch batch;
    connected = claim.take();
    if (connected) claim.announce(request);
    for (int i = 0; connected && !claim.has_answer(&answer) && i < 1000; ++i)
      m2n_receive(receiver, &kGather, 0, &batch);
    connected = connected && answer.status == M2N_OK;
  }

  // A message that is right in every way; tests then spoil it.
  DispatchHeader write_good(uint32_t slot) {
    const Piece piece = small_piece();
    std::copy(piece.groups.begin(), piece.groups.end(), view.groups(slot));
    std::copy(piece.row_of_pair.begin(), piece.row_of_pair.end(), view.row_of_pair(slot));
    for (uint32_t row = 0; row < piece.rows; ++row)
      fill_row(view.rows(slot) + row * sizes_.row_bytes, sizes_.row_bytes, 1, row);
    return {++sequence[slot], 0, 0, 1, piece.rows, piece.pairs(), 2, 2, {}};
  }
  void publish(uint32_t slot, const DispatchHeader& header) {
    std::memcpy(view.dispatch(slot), &header, sizeof header);
    arrived[slot] = Arrival::after(arrived[slot], 2);
    store(view.header().sender.arrived[slot], arrived[slot]);
  }
  // The receiver's answer to the last message, if it has answered.
  int32_t answer(uint32_t slot) {
    if (load(view.header().receiver.state) == kClosed) return M2N_PEER_LOST;
    if (load(view.header().receiver.arrived[slot]) == answered[slot]) return M2N_PENDING;
    answered[slot] = Arrival::after(answered[slot], 2);
    return view.result(slot)->status;
  }

  bool connected = false;
  PairView view;
  Doorbell bell;
  std::array<uint64_t, kMaxSlots> sequence{}, arrived{}, answered{};

 private:
  const Sizes sizes_;
  const PairLayout layout_ = PairLayout::of(pair_sizes(sizes_));
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Region> own_, doorbell_region_, region_;
};

class HostileSenderTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void SetUp() override { ASSERT_EQ(connect(good_.get(), 0, receiver_.get()), M2N_OK); }

  // A round of an honest sender: serves it, and whatever else is shown must pass every check a receiver relies on.
  void expect_healthy(uint64_t seed) {
    ASSERT_EQ(write_piece(good_.get(), 0, 0, small_piece(), seed, sizes_), M2N_OK);
    const m2n_message message = message_of(seed % kTags);
    m2n_ticket ticket;
    ASSERT_EQ(m2n_dispatch(good_.get(), 0, &message, &ticket), M2N_OK);
    m2n_result result;
    uint32_t count = 0;
    while (m2n_combine(good_.get(), ticket, 0, &result, 1, &count) == M2N_PENDING) serve_one();
    ASSERT_EQ(result.status, M2N_OK);
    ASSERT_TRUE(check_result(result, small_piece(), seed, sizes_));
    ASSERT_EQ(m2n_release(good_.get(), ticket), M2N_OK);
  }
  bool serve_one() {
    m2n_batch batch;
    if (m2n_receive(receiver_.get(), &kGather, 0, &batch) != M2N_OK) return false;
    for (uint32_t i = 0; i < batch.count; ++i) touch(batch.pieces[i]);
    compute(batch, 0, sizes_);
    EXPECT_EQ(m2n_return(receiver_.get(), &batch, M2N_OK, 0), M2N_OK);
    return true;
  }
  // What a kernel does: every index is used without a further check.
  void touch(const m2n_piece& piece) {
    uint64_t pairs = 0;
    for (uint32_t group = 0; group < piece.groups_count; ++group) pairs += piece.groups[group].pairs;
    ASSERT_EQ(pairs, piece.pairs);
    ASSERT_LE(piece.pairs, sizes_.max_pairs);
    ASSERT_LE(piece.rows_count, sizes_.max_rows);
    for (uint32_t pair = 0; pair < piece.pairs; ++pair) ASSERT_LT(piece.row_of_pair[pair], piece.rows_count);
  }

  const Sizes sizes_;
  Handle receiver_ = open(GetParam(), M2N_RECEIVER, 0);
  Handle good_ = open(GetParam(), M2N_SENDER, 0);
};

INSTANTIATE_TEST_SUITE_P(Transports, HostileSenderTest, testing::Values(M2N_LOOPBACK, M2N_SHM),
                         [](const auto& info) { return info.param == M2N_LOOPBACK ? "Loopback" : "Shm"; });

TEST_P(HostileSenderTest, EachWrongMessage_IsAnsweredInvalid_AndNeverShown) {
  RawSender raw(GetParam(), receiver_.get(), 1);
  ASSERT_TRUE(raw.connected);
  using Spoil = std::function<void(DispatchHeader&)>;
  const std::vector<Spoil> spoils{
      [](DispatchHeader& header) { header.sequence += 1; },
      [](DispatchHeader& header) { header.tag = kTags; },
      [](DispatchHeader& header) { header.tag = 0xffffffffu; },
      [&](DispatchHeader& header) { header.rows = sizes_.max_rows + 1; },
      [&](DispatchHeader& header) { header.rows = 1; },
      [&](DispatchHeader& header) { header.pairs = sizes_.max_pairs + 1; },
      [](DispatchHeader& header) { header.pairs = 0xffffffffu; },
      [](DispatchHeader& header) { header.pairs -= 1; },
      [](DispatchHeader& header) { header.pairs = 0; },
      [&](DispatchHeader& header) { header.groups = sizes_.max_groups + 1; },
      [](DispatchHeader& header) { header.groups = 0; },
      [](DispatchHeader& header) { header.groups = 1; },
      [&](DispatchHeader&) { raw.view.groups(1)[0].key = 5; },
      [&](DispatchHeader&) { raw.view.groups(1)[0].pairs = 0; },
      [&](DispatchHeader&) { raw.view.groups(1)[1].pairs = 0xffffffffu; },
      [&](DispatchHeader&) { raw.view.row_of_pair(1)[2] = 2; },
      [&](DispatchHeader&) { raw.view.row_of_pair(1)[0] = 0xffffffffu; },
  };
  for (std::size_t i = 0; i < spoils.size(); ++i) {
    SCOPED_TRACE(i);
    DispatchHeader header = raw.write_good(1);
    spoils[i](header);
    raw.publish(1, header);
    EXPECT_FALSE(serve_one());
    EXPECT_EQ(raw.answer(1), M2N_INVALID);
    expect_healthy(i);
  }
  raw.publish(1, raw.write_good(1));
  EXPECT_TRUE(serve_one()) << "the pair is as good as before";
  EXPECT_EQ(raw.answer(1), M2N_OK);
  m2n_counters counters;
  m2n_endpoint_counters(receiver_.get(), &counters);
  EXPECT_EQ(counters.invalid, spoils.size());
}

TEST_P(HostileSenderTest, AbsurdCounters_DropThePair) {
  const std::vector<uint64_t> absurd{~uint64_t{0}, uint64_t{2} << 32, (uint64_t{1} << 32) | 5000, uint64_t{1} << 32,
                                     (uint64_t{1} << 32) | 3};
  for (std::size_t i = 0; i < absurd.size(); ++i) {
    RawSender raw(GetParam(), receiver_.get(), 1);
    ASSERT_TRUE(raw.connected);
    const DispatchHeader header = raw.write_good(0);
    std::memcpy(raw.view.dispatch(0), &header, sizeof header);
    store(raw.view.header().sender.arrived[0], absurd[i]);
    EXPECT_FALSE(serve_one());
    EXPECT_EQ(raw.answer(0), M2N_PEER_LOST);
    expect_healthy(i);
  }
}

TEST_P(HostileSenderTest, ChunksThatArriveLater_CompleteTheMessage) {
  RawSender raw(GetParam(), receiver_.get(), 1);
  DispatchHeader header = raw.write_good(0);
  header.chunks = 3;
  std::memcpy(raw.view.dispatch(0), &header, sizeof header);
  for (const uint64_t counter : {uint64_t{1}, (uint64_t{1} << 32) | 2}) {  // a chunk, then the header
    store(raw.view.header().sender.arrived[0], counter);
    EXPECT_FALSE(serve_one());
    EXPECT_EQ(raw.answer(0), M2N_PENDING);
  }
  store(raw.view.header().sender.arrived[0], (uint64_t{1} << 32) | 3);
  EXPECT_TRUE(serve_one());
  EXPECT_EQ(raw.answer(0), M2N_OK);
}

TEST_P(HostileSenderTest, RandomWritesIntoThePair_BreakNothing) {
  std::mt19937_64 random(1);
  std::unique_ptr<RawSender> raw;
  const uint64_t rounds = amount(is_sanitized() ? 3'000 : 20'000, 100'000);
  uint64_t dropped = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    if (raw == nullptr || raw->answer(0) == M2N_PEER_LOST) {
      dropped += raw != nullptr ? 1 : 0;
      raw.reset();
      raw = std::make_unique<RawSender>(GetParam(), receiver_.get(), 1);
      ASSERT_TRUE(raw->connected) << i;
    }
    raw->publish(0, raw->write_good(0));
    const auto state = load(raw->view.header().receiver.state);
    // Words anywhere in the part of the region that carries meaning.
    auto* words = reinterpret_cast<uint32_t*>(&raw->view.header());
    const std::size_t meaning =
        (reinterpret_cast<std::byte*>(raw->view.rows(0)) - reinterpret_cast<std::byte*>(words)) / sizeof(uint32_t);
    for (uint64_t k = 0; k < 1 + random() % 3; ++k) {
      const uint32_t value = random() % 2 == 0 ? static_cast<uint32_t>(random()) : static_cast<uint32_t>(random() % 64);
      store(words[random() % meaning], value);
    }
    // Closed is the receiver's to say: a sender that told itself so would come again while its pair still stands.
    if (load(raw->view.header().receiver.state) == kClosed) store(raw->view.header().receiver.state, state);
    serve_one();
    if (i % 64 == 0) expect_healthy(i);
    if (HasFailure()) return;
  }
  EXPECT_GT(dropped, 0u);
}

TEST_P(HostileSenderTest, RandomWritesIntoTheConnectTable_BreakNothing) {
  std::mt19937_64 random(2);
  const std::vector<uint8_t> bytes = address_of(receiver_.get());
  const Address address = parse_receiver_address(bytes.data(), static_cast<uint32_t>(bytes.size()), GetParam());
  const auto transport = make_transport(GetParam());
  const auto region = transport->map(address.doorbell, kDoorbellMagic, kDoorbellBytes);
  ConnectTable& table = Doorbell(*region, transport->is_private()).shared().table;
  const uint64_t rounds = amount(is_sanitized() ? 2'000 : 10'000, 100'000);
  for (uint64_t i = 0; i < rounds; ++i) {
    ConnectEntry& entry = table.entries[random() % kConnectEntries];
    auto* words = reinterpret_cast<uint32_t*>(&entry.request);
    if (random() % 2 == 0) {  // all but right: the secret is known to this one
      const ConnectRequest request{M2N_ABI_VERSION, 5, pair_sizes(sizes_), {}, address.doorbell, address.doorbell};
      std::memcpy(&entry.request, &request, sizeof request);
      std::memcpy(entry.request.secret, "0123456789abcdef", M2N_SECRET_BYTES);
    }
    words[random() % (sizeof entry.request / 4)] = static_cast<uint32_t>(random());
    store(entry.word, EntryWord::make(random(), EntryState::kAnnounced));
    store(table.announced, random());
    serve_one();
    if (i % 64 == 0) expect_healthy(i);
    if (HasFailure()) return;
  }
  for (ConnectEntry& entry : table.entries) store(entry.word, uint64_t{0});
  const Handle late = open(GetParam(), M2N_SENDER, 3);
  EXPECT_EQ(connect(late.get(), 0, receiver_.get()), M2N_OK) << m2n_last_error();
}

// A receiver with its hands on the shared memory, towards an honest sender.
class RawReceiver {
 public:
  explicit RawReceiver(m2n_transport transport)
      : transport_(make_transport(transport)),
        own_(transport_->create(kDoorbellMagic, kDoorbellBytes)),
        bell_(*own_, transport_->is_private()),
        config_(config_of(transport, M2N_RECEIVER, 0)),
        acceptor_(config_, sizes_, layout_, *transport_, bell_) {
    store(bell_.shared().state, static_cast<uint32_t>(kConnected));
    const Address address{kAddressMagic, M2N_ABI_VERSION, transport, M2N_RECEIVER, 0, 0, own_->name(), {}, {}};
    address_.resize(sizeof address);
    std::memcpy(address_.data(), &address, sizeof address);
  }
  m2n_status accept(m2n_endpoint* sender) {
    std::atomic<bool> done = false;
    m2n_status status = M2N_INTERNAL;
    std::thread connecting([&] {
      status = m2n_connect(sender, 0, address_.data(), static_cast<uint32_t>(address_.size()), 10'000'000);
      done = true;
    });
    while (!done) {
      acceptor_.accept([](uint32_t) { return Refusal::kNone; },
                       [this](std::shared_ptr<ReceiverPair> accepted) { pair = std::move(accepted); });
      std::this_thread::yield();
    }
    connecting.join();
    published = 0;
    return status;
  }
  void publish(uint32_t slot, const ResultHeader& header) {
    std::memcpy(pair->view.result(slot), &header, sizeof header);
    published = Arrival::after(published, 2);
    store(pair->view.header().receiver.arrived[slot], published);
  }

  std::shared_ptr<ReceiverPair> pair;
  uint64_t published = 0;

 private:
  const PairSizes sizes_ = pair_sizes({});
  const PairLayout layout_ = PairLayout::of(sizes_);
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Region> own_;
  Doorbell bell_;
  m2n_config config_;
  Acceptor acceptor_;
  std::vector<uint8_t> address_;
};

class HostileReceiverTest : public testing::TestWithParam<m2n_transport> {
 protected:
  void SetUp() override { ASSERT_EQ(raw_.accept(sender_.get()), M2N_OK); }
  m2n_ticket dispatch() {
    EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 1, {}), M2N_OK) << m2n_last_error();
    const m2n_message message = message_of(0);
    m2n_ticket ticket = 0;
    EXPECT_EQ(m2n_dispatch(sender_.get(), 0, &message, &ticket), M2N_OK);
    ++sequence_;
    return ticket;
  }
  int32_t end_of(m2n_ticket ticket) {
    m2n_result result{};
    uint32_t count = 0;
    const m2n_status status = m2n_combine(sender_.get(), ticket, 0, &result, 1, &count);
    m2n_release(sender_.get(), ticket);
    return status == M2N_OK ? result.status : status;
  }
  ResultHeader good() const { return {sequence_, 1, 1, M2N_OK, small_piece().pairs(), 2, {}}; }

  RawReceiver raw_{GetParam()};
  Handle sender_ = open(GetParam(), M2N_SENDER, 0);
  uint64_t sequence_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Transports, HostileReceiverTest, testing::Values(M2N_LOOPBACK, M2N_SHM),
                         [](const auto& info) { return info.param == M2N_LOOPBACK ? "Loopback" : "Shm"; });

TEST_P(HostileReceiverTest, EachWrongResult_IsInvalid) {
  const auto expect_invalid = [&](const std::function<void(ResultHeader&)>& spoil) {
    const m2n_ticket ticket = dispatch();
    ResultHeader header = good();
    spoil(header);
    raw_.publish(0, header);
    EXPECT_EQ(end_of(ticket), M2N_INVALID);
  };
  expect_invalid([](ResultHeader& header) { header.sequence -= 1; });
  expect_invalid([](ResultHeader& header) { header.pairs += 1; });
  expect_invalid([](ResultHeader& header) { header.status = M2N_PENDING; });
  expect_invalid([](ResultHeader& header) { header.status = M2N_PEER_LOST; });
  expect_invalid([](ResultHeader& header) { header.status = 77; });
  const m2n_ticket ticket = dispatch();
  raw_.publish(0, good());
  EXPECT_EQ(end_of(ticket), M2N_OK) << "the pair is as good as before";
}

TEST_P(HostileReceiverTest, AbsurdCounter_DropsThePair) {
  const m2n_ticket ticket = dispatch();
  store(raw_.pair->view.header().receiver.arrived[0], uint64_t{5} << 32);
  EXPECT_EQ(end_of(ticket), M2N_INVALID);
  EXPECT_EQ(m2n_peer_state(sender_.get(), 0), M2N_PEER_LOST);
  EXPECT_EQ(load(raw_.pair->view.header().sender.state), static_cast<uint32_t>(kClosed)) << "and says so";
}

TEST_P(HostileReceiverTest, ResultBeforeTheDispatch_CompletesNothing) {
  raw_.publish(0, {1, 1, 1, M2N_OK, small_piece().pairs(), 2, {}});
  const m2n_ticket ticket = dispatch();
  // It names the right sequence, so it may end this ticket; what it may not do is end the next one.
  end_of(ticket);
  const m2n_ticket next = dispatch();
  EXPECT_EQ(end_of(next), M2N_PENDING);
}

TEST_P(HostileReceiverTest, RandomWritesIntoThePair_BreakNothing) {
  std::mt19937_64 random(3);
  const uint64_t rounds = amount(is_sanitized() ? 1'000 : 4'000, 100'000);
  for (uint64_t i = 0; i < rounds; ++i) {
    if (m2n_peer_state(sender_.get(), 0) != M2N_OK) {
      ASSERT_EQ(raw_.accept(sender_.get()), M2N_OK) << m2n_last_error();
      sequence_ = 0;
    }
    m2n_slot_view view;
    const m2n_status opened = m2n_slot_open(sender_.get(), 0, 0, 2, 3, 2, &view);
    if (opened == M2N_PENDING || opened == M2N_PEER_LOST) {
      m2n_disconnect(sender_.get(), 0);
      continue;
    }
    ASSERT_EQ(opened, M2N_OK);
    const m2n_ticket ticket = dispatch();
    raw_.publish(0, good());
    auto* words = reinterpret_cast<uint32_t*>(&raw_.pair->view.header().receiver);
    auto* header = reinterpret_cast<uint32_t*>(raw_.pair->view.result(0));
    store(random() % 2 == 0 ? words[random() % (sizeof(PairEnd) / 4)] : header[random() % 16],
          static_cast<uint32_t>(random()));
    end_of(ticket);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace m2n::test

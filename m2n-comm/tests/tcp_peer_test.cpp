// Peers over TCP that say anything: whoever listens goes on, whoever is lied to drops that one pair.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <thread>

#include "address.h"
#include "clock.h"
#include "descriptor.h"
#include "support.h"
#include "transports/network/message.h"
#include "transports/network/place.h"

namespace m2n::test {
namespace {

PairSizes pair_sizes(const Sizes& sizes) {
  return {sizes.slots, sizes.max_rows, sizes.max_pairs, sizes.max_groups, sizes.row_bytes, sizes.result_bytes};
}

Address parsed(m2n_endpoint* endpoint) {
  const std::vector<uint8_t> bytes = address_of(endpoint);
  return parse_receiver_address(bytes.data(), static_cast<uint32_t>(bytes.size()), M2N_TCP);
}

// A connection of nobody's: says what the test says.
class RawPeer {
 public:
  explicit RawPeer(const NetworkPlace& to) : socket_(connect_from(interface_place("lo"), to, Traffic::kWords)) {
    pollfd question{socket_.get(), POLLOUT, 0};
    poll(&question, 1, 1'000);
  }
  explicit RawPeer(Descriptor socket) : socket_(std::move(socket)) {}

  void say(const void* bytes, std::size_t length) {
    for (std::size_t at = 0; at < length;) {
      const ssize_t sent = send(socket_.get(), static_cast<const char*>(bytes) + at, length - at, MSG_NOSIGNAL);
      if (sent > 0)
        at += static_cast<std::size_t>(sent);
      else if (errno != EAGAIN)
        return;
    }
  }
  template <class Body>
  void say_frame(FrameType type, const Body& body) {
    const FrameHeader header{kFrameMagic, static_cast<uint32_t>(type), sizeof body};
    say(&header, sizeof header);
    say(&body, sizeof body);
  }
  // What was said to it, up to so many bytes; less if the other side has ended or time is over.
  std::vector<std::byte> hear(std::size_t most, int wait_ms = 2'000) {
    std::vector<std::byte> bytes(most);
    std::size_t had = 0;
    while (had < most) {
      pollfd question{socket_.get(), POLLIN, 0};
      if (poll(&question, 1, wait_ms) <= 0) break;
      const ssize_t length = recv(socket_.get(), bytes.data() + had, most - had, 0);
      if (length <= 0) break;
      had += static_cast<std::size_t>(length);
    }
    bytes.resize(had);
    return bytes;
  }
  bool has_ended() {
    pollfd question{socket_.get(), POLLIN, 0};
    char next;
    return poll(&question, 1, 0) > 0 && recv(socket_.get(), &next, 1, MSG_PEEK) <= 0;
  }

 private:
  Descriptor socket_;
};

class HostileTcpSenderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(connect(good_.get(), 0, receiver_.get()), M2N_OK); }

  JoinFrame good_join(uint32_t rank = 7) {
    JoinFrame join{{}, M2N_ABI_VERSION, rank, pair_sizes({}), address_.place.nonce, M2N_TCP, 0};
    std::memcpy(join.secret, "0123456789abcdef", M2N_SECRET_BYTES);
    return join;
  }
  // Joined as the receiver sees it; -1: no answer.
  int32_t join(RawPeer& peer, const JoinFrame& join) {
    peer.say_frame(FrameType::kJoin, join);
    std::vector<std::byte> heard;
    for (int i = 0; i < 200 && heard.empty(); ++i) {
      serve();
      heard = peer.hear(sizeof(FrameHeader) + sizeof(AnswerFrame), 5);
    }
    AnswerFrame answer{-1, 0};
    if (heard.size() == sizeof(FrameHeader) + sizeof answer)
      std::memcpy(&answer, heard.data() + sizeof(FrameHeader), sizeof answer);
    return answer.status;
  }
  void serve() {
    m2n_batch batch;
    if (m2n_receive(receiver_.get(), &kGather, 1'000, &batch) != M2N_OK) return;
    for (uint32_t i = 0; i < batch.count; ++i)
      for (uint32_t pair = 0; pair < batch.pieces[i].pairs; ++pair)
        ASSERT_LT(batch.pieces[i].row_of_pair[pair], batch.pieces[i].rows_count);
    compute(batch, 0, {});
    m2n_return(receiver_.get(), &batch, M2N_OK, 0);
  }
  void expect_healthy() {
    ASSERT_EQ(write_piece(good_.get(), 0, 0, small_piece(), 5, {}), M2N_OK);
    const m2n_message message = message_of(0);
    m2n_ticket ticket;
    ASSERT_EQ(m2n_dispatch(good_.get(), 0, &message, &ticket), M2N_OK);
    m2n_result result;
    uint32_t count = 0;
    while (m2n_combine(good_.get(), ticket, 0, &result, 1, &count) == M2N_PENDING) serve();
    ASSERT_TRUE(check_result(result, small_piece(), 5, {}));
    ASSERT_EQ(m2n_release(good_.get(), ticket), M2N_OK);
  }
  uint64_t invalid() {
    m2n_counters counters;
    m2n_endpoint_counters(receiver_.get(), &counters);
    return counters.invalid;
  }

  Handle receiver_ = open(M2N_TCP, M2N_RECEIVER, 0);
  Handle good_ = open(M2N_TCP, M2N_SENDER, 0);
  const Address address_ = parsed(receiver_.get());
};

TEST_F(HostileTcpSenderTest, WrongJoins_AreRefused) {
  const auto status_of = [&](auto&& spoil) {
    JoinFrame wrong = good_join();
    spoil(wrong);
    RawPeer peer(address_.place);
    return join(peer, wrong);
  };
  EXPECT_EQ(status_of([](JoinFrame&) {}), M2N_OK);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.secret[3] ^= 1; }), M2N_REFUSED);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.place ^= 1; }), M2N_REFUSED);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.transport = M2N_UCX; }), M2N_REFUSED);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.abi = 1; }), M2N_REFUSED);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.sizes.row_bytes += 1; }), M2N_REFUSED);
  EXPECT_EQ(status_of([](JoinFrame& join) { join.rank = 0; }), M2N_REFUSED) << "the rank of the one that is here";
  expect_healthy();
}

TEST_F(HostileTcpSenderTest, CrowdsAndHalfSentences_HoldNobodyUp) {
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (int i = 0; i < 60; ++i) {
    crowd.push_back(std::make_unique<RawPeer>(address_.place));
    const JoinFrame half = good_join();
    const FrameHeader header{kFrameMagic, static_cast<uint32_t>(FrameType::kJoin), sizeof half};
    if (i % 3 != 0) crowd.back()->say(&header, i % 3 == 1 ? 7 : sizeof header);
    serve();
  }
  expect_healthy();
  crowd.clear();
  serve();
  RawPeer peer(address_.place);
  EXPECT_EQ(join(peer, good_join()), M2N_OK) << "who hangs up makes room";
  expect_healthy();
}

TEST_F(HostileTcpSenderTest, RandomFrames_AreDropped) {
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < amount(100, 5'000); ++i) {
    RawPeer peer(address_.place);
    FrameHeader header{kFrameMagic, static_cast<uint32_t>(FrameType::kJoin), sizeof(JoinFrame)};
    JoinFrame body = good_join();
    auto* words = reinterpret_cast<uint32_t*>(random() % 2 == 0 ? static_cast<void*>(&header) : &body);
    words[random() % 4] = static_cast<uint32_t>(random());
    peer.say(&header, sizeof header);
    peer.say(&body, sizeof body);
    serve();
    if (i % 16 == 0) expect_healthy();
    if (HasFailure()) return;
  }
  expect_healthy();
}

TEST_F(HostileTcpSenderTest, CorruptRows_DropThatPair_AndNoOther) {
  std::mt19937_64 random(2);
  const PairLayout layout = PairLayout::of(pair_sizes({}));
  const PairSizes sizes = pair_sizes({});
  std::vector<std::byte> memory(layout.region_bytes);
  const MessageShape shape(WireKind::kDispatch, sizes, layout);
  const PairView view(memory.data(), nullptr, layout);
  uint64_t dropped = 0;
  for (uint64_t i = 0; i < amount(150, 5'000); ++i) {
    RawPeer peer(address_.place);
    ASSERT_EQ(join(peer, good_join()), M2N_OK) << i;
    const Piece piece = small_piece();
    DispatchHeader inner{1, 0, 0, 1, piece.rows, piece.pairs(), 2, 2, {}};
    WireHeader header = shape.header_of({0, piece.rows, piece.pairs(), 2, 2, 0, 2, 0});
    auto* words = reinterpret_cast<uint32_t*>(random() % 2 == 0 ? static_cast<void*>(&inner) : &header);
    words[random() % 8] = static_cast<uint32_t>(random() % 2 == 0 ? random() : random() % 70);
    std::memcpy(view.dispatch(0), &inner, sizeof inner);
    std::copy(piece.groups.begin(), piece.groups.end(), view.groups(0));
    std::copy(piece.row_of_pair.begin(), piece.row_of_pair.end(), view.row_of_pair(0));
    for (uint32_t row = 0; row < piece.rows; ++row) fill_row(view.rows(0) + row * 64, 64, 1, row);
    peer.say(&header, sizeof header);
    iovec parts[kMostParts];
    const uint32_t count = shape.parts_of(shape.header_of({0, piece.rows, piece.pairs(), 2, 2, 0, 2, 0}), view, parts);
    for (uint32_t part = 0; part < count; ++part) peer.say(parts[part].iov_base, parts[part].iov_len);
    for (int k = 0; k < 3; ++k) serve();
    dropped += peer.has_ended() ? 1 : 0;
    if (i % 8 == 0) expect_healthy();
    if (HasFailure()) return;
  }
  EXPECT_GT(dropped, 10u);
  EXPECT_GT(invalid(), 10u);
  expect_healthy();
}

// A receiver that says what the test says, towards an honest sender.
class HostileTcpReceiverTest : public testing::Test {
 protected:
  HostileTcpReceiverTest() : place_(interface_place("lo")), listener_(listen_at(&place_, Traffic::kWords)) {}

  // The honest sender connects; `answer` is what it is told.
  m2n_status meet(const std::function<void(RawPeer&)>& answer) {
    Address address{kAddressMagic, M2N_ABI_VERSION, M2N_TCP, M2N_RECEIVER, 0, 0, {}, {}, place_};
    m2n_status status = M2N_INTERNAL;
    std::thread connecting([&] {
      status = m2n_connect(sender_.get(), 0, reinterpret_cast<const uint8_t*>(&address), sizeof address, 500'000);
    });
    pollfd question{listener_.get(), POLLIN, 0};
    poll(&question, 1, 2'000);
    peer_ = std::make_unique<RawPeer>(Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK)));
    EXPECT_EQ(peer_->hear(sizeof(FrameHeader) + sizeof(JoinFrame)).size(), sizeof(FrameHeader) + sizeof(JoinFrame));
    answer(*peer_);
    connecting.join();
    return status;
  }
  static void say_yes(RawPeer& peer) { peer.say_frame(FrameType::kAnswer, AnswerFrame{M2N_OK, 0}); }

  m2n_ticket dispatch(uint64_t deadline_us) {
    EXPECT_EQ(write_piece(sender_.get(), 0, 0, small_piece(), 1, {}), M2N_OK) << m2n_last_error();
    const m2n_message message = message_of(0, deadline_us);
    m2n_ticket ticket = 0;
    EXPECT_EQ(m2n_dispatch(sender_.get(), 0, &message, &ticket), M2N_OK);
    return ticket;
  }
  int32_t end_of(m2n_ticket ticket) {
    m2n_result result{};
    uint32_t count = 0;
    m2n_status status;
    while ((status = m2n_combine(sender_.get(), ticket, 100'000, &result, 1, &count)) == M2N_PENDING) {
    }
    m2n_release(sender_.get(), ticket);
    return status == M2N_OK ? result.status : status;
  }

  NetworkPlace place_;
  Descriptor listener_;
  Handle sender_ = open(M2N_TCP, M2N_SENDER, 0);
  std::unique_ptr<RawPeer> peer_;
};

TEST_F(HostileTcpReceiverTest, WrongAnswers_EndTheConnect) {
  EXPECT_EQ(meet([](RawPeer&) {}), M2N_TIMEOUT);
  EXPECT_EQ(meet([](RawPeer& peer) { peer.say("no frame, but long enough for a header", 38); }), M2N_INVALID);
  EXPECT_EQ(meet([](RawPeer& peer) { peer.say_frame(FrameType::kGoodbye, GoodbyeFrame{1}); }), M2N_INVALID);
  EXPECT_EQ(meet([](RawPeer& peer) { peer.say_frame(FrameType::kAnswer, AnswerFrame{M2N_REFUSED, 99}); }), M2N_REFUSED);
  EXPECT_EQ(meet([](RawPeer& peer) { peer.say_frame(FrameType::kAnswer, std::array<uint64_t, 4>{}); }), M2N_INVALID)
      << "a yes that is followed by something";
  EXPECT_EQ(meet(&say_yes), M2N_OK);
}

TEST_F(HostileTcpReceiverTest, NonsenseInsteadOfAResult_EndsThePiece) {
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < amount(60, 2'000); ++i) {
    ASSERT_EQ(meet(&say_yes), M2N_OK) << m2n_last_error();
    const m2n_ticket ticket = dispatch(2'000'000);
    std::array<uint32_t, 24 + 8> words{};  // a wire header and a result's header, nearly right
    const WireHeader header{static_cast<uint32_t>(WireKind::kResult), 0, 0, 0, 0, 2, 0, 2};
    const ResultHeader inner{1, 1, 1, M2N_INTERNAL, 3, 2, {}};
    std::memcpy(words.data(), &header, sizeof header);
    std::memcpy(words.data() + 8, &inner, sizeof inner);
    words[random() % 18] = static_cast<uint32_t>(random());
    peer_->say(words.data(), sizeof header + sizeof inner);
    if (random() % 2 == 0) peer_->say(words.data(), sizeof words);
    peer_.reset();  // so that what is believed to go on ends, too
    const int32_t status = end_of(ticket);
    ASSERT_TRUE(status == M2N_PEER_LOST || status == M2N_INVALID || status == M2N_INTERNAL) << status;
    m2n_disconnect(sender_.get(), 0);
  }
}

TEST_F(HostileTcpReceiverTest, PeerThatReadsNothing_CostsOneDeadline) {
  Sizes large;
  large.slots = 1;
  large.max_rows = 1024;
  large.row_bytes = 65536;  // more than any socket takes
  sender_ = open(M2N_TCP, M2N_SENDER, 0, large);
  ASSERT_EQ(meet(&say_yes), M2N_OK) << m2n_last_error();
  m2n_slot_view view;
  ASSERT_EQ(m2n_slot_open(sender_.get(), 0, 0, large.max_rows, 1, 1, &view), M2N_OK);
  view.groups[0] = {1, 1};
  view.row_of_pair[0] = 0;
  const m2n_message message = message_of(0, 200'000);
  m2n_ticket ticket;
  const uint64_t before = now_ns();
  ASSERT_EQ(m2n_dispatch(sender_.get(), 0, &message, &ticket), M2N_OK);
  EXPECT_EQ(end_of(ticket), M2N_TIMEOUT);
  EXPECT_LT(now_ns() - before, 2'000'000'000u);
  EXPECT_EQ(m2n_slot_open(sender_.get(), 0, 0, 1, 1, 1, &view), M2N_PENDING) << "the rows are still being sent";
  const uint64_t leaving = now_ns();
  m2n_disconnect(sender_.get(), 0);
  sender_.reset();
  EXPECT_LT(now_ns() - leaving, 1'000'000'000u) << "and nobody waits for it";
}

}  // namespace
}  // namespace m2n::test

// What arrives over a network: chunks in any order make the message that was sent; anything else is refused with a
// reason and changes nothing outside its slot.
#include "transports/network/landing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "arrival.h"
#include "shared_memory.h"
#include "support.h"
#include "transports/network/control.h"

namespace m2n::test {
namespace {

constexpr PairSizes kSizes{2, 40, 60, 8, 4096, 3000};
constexpr PairLayout kLayout = PairLayout::of(kSizes);

// One end's mirror with a Landing on it, and room after it that must stay as it is.
struct TestMirror {
  explicit TestMirror(WireKind kind)
      : memory(kLayout.region_bytes), view(memory.data(), nullptr, kLayout), landing(kind, view, kSizes, kLayout) {}
  std::vector<std::byte> memory;
  PairView view;
  Landing landing;
};

// A dispatch of so many rows as one run of bytes, cut into messages of `count` chunks.
struct Message {
  WireHeader header;
  std::vector<std::byte> body;
};

std::vector<Message> messages_of(std::mt19937_64& random, uint32_t rows, uint32_t count) {
  const MessageShape measure(WireKind::kDispatch, kSizes, kLayout);
  const uint32_t chunks = kLayout.dispatch_chunks(rows);
  std::vector<Message> messages;
  for (uint32_t first = 0; first < chunks; first += count) {
    WireHeader header{
        static_cast<uint32_t>(WireKind::kDispatch), 1, rows, rows, 1, chunks, first, std::min(count, chunks - first)};
    std::vector<std::byte> body(measure.bytes_of(header));
    for (std::byte& byte : body) byte = static_cast<std::byte>(random());
    messages.push_back({header, std::move(body)});
  }
  return messages;
}

TEST(LandingTest, Chunks_InAnyOrder_AreCountedAsAnUnbrokenRun) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    TestMirror straight(WireKind::kDispatch), mixed(WireKind::kDispatch);
    const uint32_t rows = random() % 41;
    std::vector<Message> messages = messages_of(random, rows, 1 + random() % 3);
    for (const Message& message : messages)
      ASSERT_EQ(straight.landing.land(message.header, message.body.data(), message.body.size()), nullptr);
    std::shuffle(messages.begin(), messages.end(), random);
    uint64_t before = 0;
    for (const Message& message : messages) {
      ASSERT_EQ(mixed.landing.land(message.header, message.body.data(), message.body.size()), nullptr);
      const uint64_t counter = load(mixed.view.header().sender.arrived[1]);
      EXPECT_GE(counter, before);
      before = counter;
    }
    EXPECT_TRUE(Arrival(0, before).is_whole(kLayout.dispatch_chunks(rows)));
    EXPECT_EQ(straight.memory, mixed.memory);
  }
}

TEST(LandingTest, EachWrongNumber_IsRefusedWithAReason) {
  std::mt19937_64 random(2);
  const std::vector<Message> good = messages_of(random, 20, 1);
  const auto fault = [&](auto&& spoil, std::size_t extra = 0) -> std::string {
    TestMirror mirror(WireKind::kDispatch);
    Message message = good[1];
    spoil(message.header);
    message.body.resize(message.body.size() + extra);
    const std::vector<std::byte> before = mirror.memory;
    const char* text = mirror.landing.land(message.header, message.body.data(), message.body.size());
    EXPECT_EQ(mirror.memory, before);
    return text == nullptr ? "" : text;
  };
  EXPECT_EQ(fault([](WireHeader&) {}, 1), "another length than its header says");
  EXPECT_EQ(fault([](WireHeader& header) { header.kind = 3; }), "a message of a kind that does not arrive at this end");
  EXPECT_EQ(fault([](WireHeader& header) { header.slot = 2; }), "a slot that does not exist");
  EXPECT_EQ(fault([](WireHeader& header) { header.rows = 41; }), "more rows than a slot holds");
  EXPECT_EQ(fault([](WireHeader& header) { header.pairs = 61; }), "more pairs than a slot holds");
  EXPECT_EQ(fault([](WireHeader& header) { header.groups = 9; }), "more groups than a slot holds");
  EXPECT_EQ(fault([](WireHeader& header) { header.chunks += 1; }), "a number of chunks that its rows do not make");
  EXPECT_EQ(fault([](WireHeader& header) { header.count = 0; }), "chunks beyond the message");
  EXPECT_EQ(fault([](WireHeader& header) { header.count = 0xffffffffu; }), "chunks beyond the message");
  EXPECT_EQ(fault([](WireHeader& header) { header.first = 0xffffffffu; }), "chunks beyond the message");
  TestMirror mirror(WireKind::kDispatch);
  ASSERT_EQ(mirror.landing.land(good[1].header, good[1].body.data(), good[1].body.size()), nullptr);
  EXPECT_STREQ(mirror.landing.land(good[1].header, good[1].body.data(), good[1].body.size()),
               "a chunk for the second time");
  const std::vector<Message> other = messages_of(random, 3, 1);
  EXPECT_STREQ(mirror.landing.land(other[0].header, other[0].body.data(), other[0].body.size()),
               "another message before the last one was whole");
}

// The allocator and the sanitizers watch the mirror's ends.
TEST(LandingTest, RandomCorruption_NeverWritesOutsideAndAlwaysHasAReason) {
  std::mt19937_64 random(3);
  const uint64_t rounds = amount(is_sanitized() ? 20'000 : 100'000, 1'000'000);
  const std::vector<Message> good = messages_of(random, 20, 2);
  auto mirror = std::make_unique<TestMirror>(WireKind::kDispatch);
  uint64_t refused = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    Message message = good[random() % good.size()];
    auto* words = reinterpret_cast<uint32_t*>(&message.header);
    const std::size_t word = random() % (sizeof(WireHeader) / 4);
    words[word] = random() % 2 == 0 ? static_cast<uint32_t>(random()) : static_cast<uint32_t>(random() % 64);
    if (random() % 8 == 0) message.body.resize(random() % 200'000);
    const std::vector<std::byte> exact(message.body);  // so that reading past its end is seen
    const char* fault = mirror->landing.land(message.header, exact.data(), exact.size());
    if (fault == nullptr) {
      mirror = std::make_unique<TestMirror>(WireKind::kDispatch);
      continue;
    }
    ++refused;
    ASSERT_GT(std::strlen(fault), 8u);
  }
  EXPECT_GT(refused, rounds / 4);
}

TEST(FrameReaderTest, RandomBytes_AreFramesOrGarbage_AndTakeNoMemory) {
  std::mt19937_64 random(4);
  const uint64_t rounds = amount(is_sanitized() ? 20'000 : 100'000, 1'000'000);
  FrameReader reader;
  uint64_t frames = 0, garbage = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    const GoodbyeFrame body{random()};
    FrameHeader header{kFrameMagic, static_cast<uint32_t>(FrameType::kGoodbye), sizeof body};
    auto* words = reinterpret_cast<uint32_t*>(&header);
    if (random() % 2 == 0) words[random() % 4] = static_cast<uint32_t>(random() % 3 == 0 ? random() : random() % 100);
    std::byte bytes[sizeof header + sizeof body];
    std::memcpy(bytes, &header, sizeof header);
    std::memcpy(bytes + sizeof header, &body, sizeof body);
    FrameReader::Result result = FrameReader::kNone;
    for (std::size_t at = 0; at < sizeof bytes && result != FrameReader::kGarbage;) {
      const std::span<std::byte> room = reader.room();
      ASSERT_GT(room.size(), 0u) << "a reader that waits for more has room for it";
      const std::size_t length = std::min(room.size(), sizeof bytes - at);
      std::memcpy(room.data(), bytes + at, length);
      reader.arrived(length);
      at += length;
      while ((result = reader.next()) == FrameReader::kFrame) {
        ++frames;
        ASSERT_LE(reader.body().size(), std::size_t{kMaxFrameBytes});
        reader.pop();
      }
    }
    if (result == FrameReader::kGarbage) {
      ++garbage;
      reader = FrameReader();
    }
  }
  EXPECT_GT(frames, rounds / 8);
  EXPECT_GT(garbage, rounds / 8);
}

}  // namespace
}  // namespace m2n::test

// What travels over a TCP connection: what one side publishes arrives as it was, however the stream is cut; anything else
// is refused with a reason and writes nothing outside the mirror.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "arrival.h"
#include "shared_memory.h"
#include "support.h"
#include "transports/tcp/intake.h"
#include "transports/tcp/outbox.h"

namespace m2n::test {
namespace {

constexpr PairSizes kSizes{3, 40, 60, 8, 4096, 3000};
constexpr PairLayout kLayout = PairLayout::of(kSizes);

// Both ends of one direction, in memory of exactly its size: the allocator and the sanitizers watch its ends.
struct Stream {
  explicit Stream(WireKind kind)
      : from(kLayout.region_bytes),
        to(kLayout.region_bytes),
        shape(kind, kSizes, kLayout),
        outbox(shape, PairView(from.data(), nullptr, kLayout)),
        view(to.data(), nullptr, kLayout) {
    renew();
  }

  // A peer of whom nothing has come yet.
  void renew() {
    landing = std::make_unique<Landing>(shape.kind(), view, kSizes, kLayout);
    intake = std::make_unique<Intake>(*landing);
  }

  // Writes up to `most` bytes and takes them out of the outbox.
  std::vector<std::byte> write(uint64_t most) {
    iovec places[Outbox::kMostPlaces];
    uint64_t bytes = 0;
    std::vector<std::byte> out;
    const uint32_t count = outbox.next(places, &bytes);
    for (uint32_t i = 0; i < count && out.size() < most; ++i) {
      const auto* at = static_cast<const std::byte*>(places[i].iov_base);
      out.insert(out.end(), at, at + std::min<uint64_t>(places[i].iov_len, most - out.size()));
    }
    if (!out.empty()) outbox.written(out.size());
    return out;
  }

  // Feeds it in reads of at most `most` bytes; what is wrong, or NULL.
  const char* read(const std::vector<std::byte>& bytes, uint64_t most) {
    for (std::size_t at = 0; at < bytes.size();) {
      iovec places[Intake::kMostRooms];
      uint64_t room = 0, taken = 0;
      const uint32_t count = intake->room(places, &room);
      EXPECT_GT(room, 0u);
      for (uint32_t i = 0; i < count; ++i) {
        const uint64_t part = std::min({uint64_t{places[i].iov_len}, most - taken, bytes.size() - at});
        std::memcpy(places[i].iov_base, bytes.data() + at, part);
        at += part;
        taken += part;
      }
      EXPECT_LE(taken, room);
      if (const char* fault = intake->arrived(taken)) return fault;
    }
    return nullptr;
  }

  Publication publication(uint32_t slot, uint32_t rows, uint32_t first, uint32_t count) const {
    return {slot,  rows, shape.is_dispatch() ? 30u : rows, shape.is_dispatch() ? 5u : 0u, shape.chunks(rows), first,
            count, 0};
  }
  uint64_t counter(uint32_t slot) const {
    return load((shape.is_dispatch() ? view.header().sender : view.header().receiver).arrived[slot]);
  }

  std::vector<std::byte> from, to;
  MessageShape shape;
  Outbox outbox;
  PairView view;
  std::unique_ptr<Landing> landing;
  std::unique_ptr<Intake> intake;
};

std::vector<std::byte> bytes_of_message(Stream& stream, std::mt19937_64& random, uint32_t slot, uint32_t rows) {
  for (std::byte& byte : stream.from) byte = static_cast<std::byte>(random());
  EXPECT_TRUE(stream.outbox.add(stream.publication(slot, rows, 0, stream.shape.chunks(rows))));
  std::vector<std::byte> bytes = stream.write(~uint64_t{0});
  EXPECT_TRUE(stream.outbox.is_empty());
  return bytes;
}

class StreamTest : public testing::TestWithParam<WireKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamTest, testing::Values(WireKind::kDispatch, WireKind::kResult),
                         [](const auto& info) { return info.param == WireKind::kDispatch ? "Dispatch" : "Result"; });

TEST_P(StreamTest, WhatIsPublished_ArrivesAsItWas_HoweverItIsCut) {
  std::mt19937_64 random(1);
  for (uint64_t round = 0; round < amount(20, 1'000); ++round) {
    Stream stream(GetParam());
    for (std::byte& byte : stream.from) byte = static_cast<std::byte>(random());
    const std::vector<std::byte> source = stream.from;
    std::array<uint64_t, 3> expected{};
    for (int message = 0; message < 4; ++message) {
      // Slots whose chunks are published in turns, while the socket takes little.
      std::array<uint32_t, 3> rows{}, told{};
      for (uint32_t& count : rows) count = static_cast<uint32_t>(random() % (stream.shape.most_rows() + 1));
      for (bool is_done = false; !is_done;) {
        is_done = true;
        for (uint32_t slot = 0; slot < 3; ++slot) {
          const uint32_t left = stream.shape.chunks(rows[slot]) - told[slot];
          if (left == 0) continue;
          is_done = false;
          const uint32_t count = 1 + static_cast<uint32_t>(random() % left);
          ASSERT_TRUE(stream.outbox.add(stream.publication(slot, rows[slot], told[slot], count)));
          told[slot] += count;
          if (random() % 2 == 0) {
            ASSERT_EQ(stream.read(stream.write(1 + random() % 20'000), 1 + random() % 30'000), nullptr);
          }
        }
      }
      while (!stream.outbox.is_empty())
        ASSERT_EQ(stream.read(stream.write(1 + random() % 100'000), 1 + random() % 100'000), nullptr);
      for (uint32_t slot = 0; slot < 3; ++slot) {
        ASSERT_TRUE(Arrival(expected[slot], stream.counter(slot)).is_whole(stream.shape.chunks(rows[slot])));
        expected[slot] = stream.counter(slot);
        iovec parts[kMostParts];
        const uint32_t chunks = stream.shape.chunks(rows[slot]);
        const uint32_t count =
            stream.shape.parts_of(stream.shape.header_of(stream.publication(slot, rows[slot], 0, chunks)),
                                  PairView(stream.from.data(), nullptr, kLayout), parts);
        for (uint32_t part = 0; part < count; ++part) {
          const auto at = static_cast<std::byte*>(parts[part].iov_base) - stream.from.data();
          ASSERT_EQ(std::memcmp(source.data() + at, stream.to.data() + at, parts[part].iov_len), 0);
        }
      }
    }
  }
}

TEST_P(StreamTest, ChunksAreCountedAsTheyBecomeWhole) {
  std::mt19937_64 random(2);
  Stream stream(GetParam());
  const uint32_t rows = stream.shape.most_rows(), chunks = stream.shape.chunks(rows);
  const std::vector<std::byte> bytes = bytes_of_message(stream, random, 1, rows);
  ASSERT_GT(chunks, 4u);
  uint32_t seen = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 1000) {
    const std::size_t end = std::min(bytes.size(), at + 1000);
    ASSERT_EQ(stream.read({bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(end)}, 1000),
              nullptr);
    const uint32_t pieces = Arrival(0, stream.counter(1)).pieces();
    WireHeader first{};
    std::memcpy(&first, bytes.data(), sizeof first);
    first.count = pieces;
    if (pieces > 0) {
      ASSERT_LE(sizeof first + stream.shape.bytes_of(first), end);
    }
    if (pieces < chunks) {
      first.count = pieces + 1;
      ASSERT_GT(sizeof first + stream.shape.bytes_of(first), end) << "it could have been counted";
    }
    ASSERT_GE(pieces, seen);
    seen = pieces;
  }
  EXPECT_EQ(seen, chunks);
}

TEST_P(StreamTest, CorruptHeaders_AreRefusedWithAReason_OrStayInsideThePair) {
  std::mt19937_64 random(3);
  const uint64_t rounds = amount(is_sanitized() ? 4'000 : 20'000, 300'000);
  Stream stream(GetParam());
  std::vector<std::vector<std::byte>> good;
  for (const uint32_t rows : {0u, 1u, 3u, 9u, 40u}) good.push_back(bytes_of_message(stream, random, rows % 3, rows));
  uint64_t refused = 0;
  for (uint64_t i = 0; i < rounds; ++i) {
    stream.renew();
    std::vector<std::byte> bytes = good[i % 16 == 0 ? 4 : random() % 4];
    auto* words = reinterpret_cast<uint32_t*>(bytes.data());
    for (uint64_t k = 0; k < 1 + random() % 2; ++k)
      words[random() % (sizeof(WireHeader) / 4)] = static_cast<uint32_t>(random() % 2 == 0 ? random() : random() % 64);
    if (random() % 2 == 0) {  // and the next message on top of what was believed
      const std::vector<std::byte> more(bytes);
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    if (const char* fault = stream.read(bytes, 1 + random() % bytes.size())) {
      ++refused;
      ASSERT_GT(std::strlen(fault), 8u);
    }
  }
  EXPECT_GT(refused, rounds / 4);
}

TEST_P(StreamTest, RandomBytes_AreRefused) {
  std::mt19937_64 random(4);
  Stream stream(GetParam());
  for (uint64_t i = 0; i < amount(2'000, 100'000); ++i) {
    stream.renew();
    std::vector<std::byte> bytes(sizeof(WireHeader) + random() % 5'000);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const char* fault = stream.read(bytes, 1 + random() % bytes.size());
    ASSERT_NE(fault, nullptr);
    ASSERT_GT(std::strlen(fault), 8u);
  }
}

TEST(OutboxTest, SocketThatTakesNothing_MakesItNoLonger) {
  Stream stream(WireKind::kDispatch);
  const uint32_t rows = 40, chunks = kLayout.dispatch_chunks(rows);
  for (uint32_t slot = 0; slot < 3; ++slot) EXPECT_TRUE(stream.outbox.add(stream.publication(slot, rows, 0, 1)));
  EXPECT_EQ(stream.write(10).size(), 10u) << "the first message is begun";
  for (uint32_t chunk = 1; chunk < chunks; ++chunk)
    for (uint32_t slot = 0; slot < 3; ++slot) EXPECT_TRUE(stream.outbox.add(stream.publication(slot, rows, chunk, 1)));
  EXPECT_FALSE(stream.outbox.add(stream.publication(1, rows, 0, 1))) << "the slot's last message is still here";
  uint32_t headers = 0;
  while (!stream.outbox.is_empty()) {
    ++headers;
    stream.write(~uint64_t{0});
  }
  EXPECT_EQ(headers, 4u) << "what was begun, its rest, and one for each other slot";
  EXPECT_FALSE(stream.outbox.holds(0));
}

}  // namespace
}  // namespace m2n::test

// Our own: over shm, or over TRANSPORT between two namespaces. HOW: pieces (made in the slot, told chunk by chunk), slot (made
// in the slot), copied (made elsewhere and copied into it), stream (pieces, one way, four messages in flight).
#include <memory>

#include "m2n/m2n.h"
#include "rounds.h"

namespace {

using namespace bench;

constexpr uint32_t kMostUs = 1'000'000;
constexpr uint64_t kRowBytes = 4096;
constexpr uint32_t kInFlight = 4;

void check(m2n_status status) {
  if (status != M2N_OK) die(m2n_last_error());
}

int32_t transport_named(const std::string& name) {
  m2n_capabilities known;
  for (int32_t transport = 0; m2n_transport_capabilities(transport, &known) == M2N_OK; ++transport)
    if (name == known.name) return transport;
  die("there is no transport '" + name + "'");
}

class M2nEngine final : public Engine {
 public:
  void open(const Shape& shape, int rank, Board& board) override {
    shape_ = shape;
    rows_ = static_cast<uint32_t>(std::max<uint64_t>(1, shape.bytes / kRowBytes));
    row_bytes_ = shape.bytes / rows_;
    pairs_ = shape.is_stream() ? 1 : rows_;
    elsewhere_.resize(shape.bytes);
    const bool sends = rank < shape.senders;
    m2n_config config = config_of(sends, sends ? rank : rank - shape.senders);
    check(m2n_endpoint_open(&config, &endpoint_));
    check(m2n_rows_per_chunk(endpoint_, &chunk_, &result_chunk_));
    sends ? connect(board) : accept(board);
  }

  void send_round(uint64_t round) override {
    const uint32_t slot = round % slots_;
    if (shape_.is_stream() && tickets_[slot] != 0) finish(slot);
    for (int peer = 0; peer < shape_.receivers; ++peer) open_piece(slot, static_cast<uint32_t>(peer), round);
    const m2n_message message{0, 0, 0, 0, 20'000'000};
    if (in_pieces()) {
      check(m2n_dispatch_begin(endpoint_, slot, &message, &tickets_[slot]));
      for (int peer = 0; peer < shape_.receivers; ++peer) tell(slot, static_cast<uint32_t>(peer), round);
    } else {
      check(m2n_dispatch(endpoint_, slot, &message, &tickets_[slot]));
    }
    if (shape_.is_stream()) return;
    for (int peer = 0; peer < shape_.receivers && in_pieces(); ++peer)
      read_results(slot, static_cast<uint32_t>(peer), round);
    finish(slot, round);
  }

  // Senders may be a round apart.
  void serve_round(uint64_t) override {
    const m2n_gather gather{1, 0, 1u << 30, in_pieces() ? 1u : 0u};
    while (served_ < shape_.senders) {
      m2n_batch batch;
      const m2n_status status = m2n_receive(endpoint_, &gather, kMostUs, &batch);
      if (status == M2N_PENDING) continue;
      check(status);
      for (uint32_t i = 0; i < batch.count; ++i) serve(batch, i, round_of(batch.pieces[i]));
      check(m2n_return(endpoint_, &batch, M2N_OK, 0));
      served_ += static_cast<int>(batch.count);
    }
    served_ -= shape_.senders;  // a sender that is ahead may have been served for its next round already
  }

  void close() override {
    for (uint32_t slot = 0; slot < slots_; ++slot)
      if (tickets_[slot] != 0) finish(slot);
    m2n_endpoint_close(endpoint_);
  }

 private:
  m2n_config config_of(bool sends, int rank) {
    m2n_config config{};
    config.struct_bytes = sizeof config;
    config.transport = shape_.host_of_senders.empty() ? M2N_SHM : transport_named(shape_.transport);
    config.role = sends ? M2N_SENDER : M2N_RECEIVER;
    config.rank = static_cast<uint32_t>(rank);
    config.max_peers = kMostMembers;
    config.slots = slots_ = shape_.is_stream() ? kInFlight : 1;
    config.max_rows = rows_;
    config.max_pairs = rows_;
    config.max_groups = 1;
    config.row_bytes = static_cast<uint32_t>(row_bytes_);
    config.result_bytes = shape_.is_stream() ? 8 : static_cast<uint32_t>(row_bytes_);
    if (shape_.wait == "spin") config.spin_us = kMostUs;
    if (shape_.wait == "yield") config.spin_us = 1, config.yield_us = kMostUs;
    if (shape_.wait == "park") config.spin_us = config.yield_us = 1;
    shape_.interface.copy(config.interface_name, sizeof config.interface_name - 1);
    return config;
  }

  void connect(Board& board) {
    for (int peer = 0; peer < shape_.receivers; ++peer) {
      uint32_t length;
      const char* address = board.get(shape_.senders + peer, &length);
      check(m2n_connect(endpoint_, static_cast<uint32_t>(peer), reinterpret_cast<const uint8_t*>(address), length,
                        20'000'000));
    }
    board.meet();
  }

  void accept(Board& board) {
    uint8_t address[M2N_ADDRESS_BYTES];
    uint32_t length;
    check(m2n_endpoint_address(endpoint_, address, sizeof address, &length));
    board.put(address, length);
    const m2n_gather gather{1, 0, 1u << 30, 0};
    m2n_batch batch;
    board.meet([&] { m2n_receive(endpoint_, &gather, 1'000, &batch); });
  }

  bool in_pieces() const { return shape_.how == "pieces" || shape_.is_stream(); }

  void fill(void* place, uint64_t from, uint64_t to, uint64_t round) {
    auto* at = static_cast<std::byte*>(place);
    if (shape_.how != "copied") return make(at + from, to - from, round);
    make(elsewhere_.data() + from, to - from, round);
    m2n_copy(at + from, elsewhere_.data() + from, to - from);
  }

  void open_piece(uint32_t slot, uint32_t peer, uint64_t round) {
    m2n_status status;
    while ((status = m2n_slot_open(endpoint_, slot, peer, rows_, pairs_, 1, &views_[peer])) == M2N_PENDING) {
    }
    check(status);
    views_[peer].groups[0] = {0, pairs_};
    for (uint32_t pair = 0; pair < pairs_; ++pair) views_[peer].row_of_pair[pair] = pair;
    if (!in_pieces()) fill(views_[peer].rows, 0, shape_.bytes, round);
  }

  void tell(uint32_t slot, uint32_t peer, uint64_t round) {
    for (uint32_t row = 0; row < rows_;) {
      const uint32_t next = std::min(rows_, row + chunk_);
      fill(views_[peer].rows, row * row_bytes_, next * row_bytes_, round);
      check(m2n_dispatch_rows(endpoint_, tickets_[slot], peer, next));
      row = next;
    }
  }

  void read_results(uint32_t slot, uint32_t peer, uint64_t round) {
    const void* rows = nullptr;
    for (uint32_t had = 0; had < rows_;) {
      uint32_t available = 0;
      const m2n_status status =
          m2n_results_wait(endpoint_, tickets_[slot], peer, std::min(rows_, had + 1), kMostUs, &rows, &available);
      if (status == M2N_PENDING) continue;
      check(status);
      read_lines(static_cast<const std::byte*>(rows) + had * row_bytes_, (available - had) * row_bytes_);
      had = available;
    }
    check_ends(rows, shape_.bytes, round);
  }

  void finish(uint32_t slot, uint64_t round = 0) {
    m2n_result results[kMostMembers];
    uint32_t count;
    m2n_status status;
    while ((status = m2n_combine(endpoint_, tickets_[slot], kMostUs, results, kMostMembers, &count)) == M2N_PENDING) {
    }
    check(status);
    for (uint32_t i = 0; i < count; ++i) {
      if (results[i].status != M2N_OK) die("a piece was lost");
      if (!in_pieces()) read(results[i].rows, shape_.bytes, round);
    }
    check(m2n_release(endpoint_, tickets_[slot]));
    tickets_[slot] = 0;
  }

  uint64_t round_of(const m2n_piece& piece) {
    uint64_t& round = rounds_[piece.peer][piece.slot];
    round += round == 0 && piece.slot > 0 ? piece.slot : slots_;
    return round;
  }

  void serve(const m2n_batch& batch, uint32_t piece, uint64_t round) {
    const m2n_piece& it = batch.pieces[piece];
    if (!in_pieces()) {
      read(it.rows, shape_.bytes, round);
      fill(it.results, 0, shape_.bytes, round);
      return;
    }
    for (uint32_t had = 0; had < rows_;) {
      uint32_t available = 0;
      const m2n_status status = m2n_rows_wait(endpoint_, &batch, piece, std::min(rows_, had + 1), kMostUs, &available);
      if (status == M2N_PENDING) continue;
      check(status);
      read_lines(static_cast<const std::byte*>(it.rows) + had * row_bytes_, (available - had) * row_bytes_);
      had = available;
    }
    check_ends(it.rows, shape_.bytes, round);
    for (uint32_t row = 0; row < rows_ && !shape_.is_stream();) {
      const uint32_t next = std::min(rows_, row + result_chunk_);
      fill(it.results, row * row_bytes_, next * row_bytes_, round);
      check(m2n_return_rows(endpoint_, &batch, piece, next));
      row = next;
    }
  }

  Shape shape_{};
  m2n_endpoint* endpoint_ = nullptr;
  uint32_t rows_ = 0, pairs_ = 0, slots_ = 1, chunk_ = 0, result_chunk_ = 0;
  uint64_t row_bytes_ = 0;
  int served_ = 0;
  std::vector<std::byte> elsewhere_;
  m2n_slot_view views_[kMostMembers];
  m2n_ticket tickets_[kInFlight] = {};
  uint64_t rounds_[kMostMembers][kInFlight] = {};
};

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [] { return std::make_unique<M2nEngine>(); });
}

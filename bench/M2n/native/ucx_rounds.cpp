// A rival: UCX as it is. HOW: put (a put of the data, a fence, a put of the flag; the reader polls the flag), or bell (the
// flag is an active message, which also wakes a sleeper), stream (put, one way, four in flight).
#include <poll.h>
#include <ucp/api/ucp.h>

#include <memory>

#include "rounds.h"

namespace {

using namespace bench;

constexpr uint64_t kSlots = 4;

void check(ucs_status_t status, const char* what) {
  if (status != UCS_OK) die(std::string(what) + ": " + ucs_status_string(status));
}

class UcxEngine final : public Engine {
 public:
  void open(const Shape& shape, int rank, Board& board) override {
    shape_ = shape;
    rank_ = rank;
    first_ = rank < shape.senders ? shape.senders : 0;
    peers_ = rank < shape.senders ? shape.receivers : shape.senders;
    slot_bytes_ = (shape.bytes + 4095) / 4096 * 4096;
    flags_at_ = slot_bytes_ * kSlots * static_cast<uint64_t>(shape.members());
    open_worker();
    out_ = map(slot_bytes_ * kSlots * static_cast<uint64_t>(peers_), &out_memory_);
    in_ = map(flags_at_ + 128 * static_cast<uint64_t>(shape.members()), &in_memory_);
    tell(board);
    board.meet([this] { ucp_worker_progress(worker_); });
    for (int peer = 0; peer < peers_; ++peer) reach(board, peer);
    for (int peer = 0; peer < peers_; ++peer) flush(peer);
    board.meet([this] { ucp_worker_progress(worker_); });
  }

  void send_round(uint64_t round) override {
    if (shape_.is_stream()) {
      if (round > kSlots) wait(0, round - kSlots);
      hand_over(0, round, round % kSlots);
      return;
    }
    for (int peer = 0; peer < peers_; ++peer) hand_over(peer, round, 0);
    for (int peer = 0; peer < peers_; ++peer) take(peer, round, 0);
    drain();
  }
  void serve_round(uint64_t round) override {
    for (int peer = 0; peer < peers_; ++peer) take(peer, round, shape_.is_stream() ? round % kSlots : 0);
    for (int peer = 0; peer < peers_; ++peer) {
      if (shape_.is_stream())
        raise(peer, round);
      else
        hand_over(peer, round, 0);
    }
    drain();
  }
  void close() override { drain(); }

 private:
  struct Peer {
    ucp_ep_h endpoint;
    ucp_rkey_h key;
    uint64_t memory;
  };

  bool rings() const { return shape_.how == "bell"; }

  void open_worker() {
    ucp_params_t params{};
    params.field_mask = UCP_PARAM_FIELD_FEATURES;
    params.features = UCP_FEATURE_RMA | UCP_FEATURE_AM | (shape_.wait == "park" ? UCP_FEATURE_WAKEUP : 0);
    ucp_config_t* config;
    check(ucp_config_read(nullptr, nullptr, &config), "configuration");
    check(ucp_init(&params, config, &context_), "context");
    ucp_config_release(config);
    ucp_worker_params_t worker{};
    worker.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
    worker.thread_mode = UCS_THREAD_MODE_SINGLE;
    check(ucp_worker_create(context_, &worker, &worker_), "worker");
    if (shape_.wait == "park") check(ucp_worker_get_efd(worker_, &event_), "event descriptor");
    ucp_am_handler_param_t handler{};
    handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG;
    handler.id = 1;
    handler.arg = this;
    handler.cb = [](void* self, const void* header, size_t, void*, size_t, const ucp_am_recv_param_t*) {
      uint64_t words[2];
      std::memcpy(words, header, sizeof words);
      *static_cast<UcxEngine*>(self)->flag(static_cast<int>(words[0])) = words[1];
      return UCS_OK;
    };
    check(ucp_worker_set_am_recv_handler(worker_, &handler), "handler");
  }

  char* map(uint64_t bytes, ucp_mem_h* memory) {
    ucp_mem_map_params_t params{};
    params.field_mask = UCP_MEM_MAP_PARAM_FIELD_LENGTH | UCP_MEM_MAP_PARAM_FIELD_FLAGS;
    params.length = bytes;
    params.flags = UCP_MEM_MAP_ALLOCATE;
    check(ucp_mem_map(context_, &params, memory), "memory");
    ucp_mem_attr_t attributes{};
    attributes.field_mask = UCP_MEM_ATTR_FIELD_ADDRESS;
    check(ucp_mem_query(*memory, &attributes), "memory");
    std::memset(attributes.address, 0, bytes);
    return static_cast<char*>(attributes.address);
  }

  void tell(Board& board) {
    ucp_address_t* address;
    size_t address_bytes, key_bytes;
    void* key;
    check(ucp_worker_get_address(worker_, &address, &address_bytes), "address");
    check(ucp_rkey_pack(context_, in_memory_, &key, &key_bytes), "key");
    const uint64_t words[3] = {address_bytes, key_bytes, reinterpret_cast<uint64_t>(in_)};
    std::vector<char> place(sizeof words + address_bytes + key_bytes);
    if (place.size() > 8192) die("UCX's address is too long");
    std::memcpy(place.data(), words, sizeof words);
    std::memcpy(place.data() + sizeof words, address, address_bytes);
    std::memcpy(place.data() + sizeof words + address_bytes, key, key_bytes);
    board.put(place.data(), static_cast<uint32_t>(place.size()));
  }

  void reach(Board& board, int peer) {
    uint32_t length;
    const char* place = board.get(first_ + peer, &length);
    uint64_t words[3];
    std::memcpy(words, place, sizeof words);
    ucp_ep_params_t params{};
    params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS;
    params.address = reinterpret_cast<const ucp_address_t*>(place + sizeof words);
    Peer& it = peer_[peer];
    check(ucp_ep_create(worker_, &params, &it.endpoint), "endpoint");
    check(ucp_ep_rkey_unpack(it.endpoint, place + sizeof words + words[0], &it.key), "key");
    it.memory = words[2];
  }

  void flush(int peer) {
    ucp_request_param_t none{};
    track(ucp_ep_flush_nbx(peer_[peer].endpoint, &none));
  }
  void track(ucs_status_ptr_t request) {
    if (UCS_PTR_IS_ERR(request)) check(UCS_PTR_STATUS(request), "a request");
    if (UCS_PTR_IS_PTR(request)) open_.push_back(request);
  }
  void drain() {
    for (ucs_status_ptr_t request : open_) {
      while (ucp_request_check_status(request) == UCS_INPROGRESS) ucp_worker_progress(worker_);
      ucp_request_free(request);
    }
    open_.clear();
  }

  volatile uint64_t* flag(int member) {
    return reinterpret_cast<volatile uint64_t*>(in_ + flags_at_ + 128 * static_cast<uint64_t>(member));
  }

  void hand_over(int peer, uint64_t round, uint64_t slot) {
    char* from = out_ + slot_bytes_ * (kSlots * static_cast<uint64_t>(peer) + slot);
    make(from, shape_.bytes, round);
    ucp_request_param_t param{};
    param.op_attr_mask = UCP_OP_ATTR_FIELD_MEMH;
    param.memh = out_memory_;
    const uint64_t to = peer_[peer].memory + slot_bytes_ * (kSlots * static_cast<uint64_t>(rank_) + slot);
    track(ucp_put_nbx(peer_[peer].endpoint, from, shape_.bytes, to, peer_[peer].key, &param));
    raise(peer, round);
  }

  void raise(int peer, uint64_t round) {
    check(ucp_worker_fence(worker_), "fence");
    ucp_request_param_t none{};
    uint64_t* words = words_[static_cast<std::size_t>(peer)][round % 8];
    words[0] = static_cast<uint64_t>(rank_);
    words[1] = round;
    if (rings())
      track(ucp_am_send_nbx(peer_[peer].endpoint, 1, words, 16, nullptr, 0, &none));
    else
      track(ucp_put_nbx(peer_[peer].endpoint, &words[1], 8,
                        peer_[peer].memory + flags_at_ + 128 * static_cast<uint64_t>(rank_), peer_[peer].key, &none));
  }

  void wait(int peer, uint64_t round) {
    while (__atomic_load_n(flag(first_ + peer), __ATOMIC_ACQUIRE) < round) {
      if (ucp_worker_progress(worker_) != 0 || shape_.wait == "spin") continue;
      if (shape_.wait != "park") {
        sched_yield();
      } else if (ucp_worker_arm(worker_) == UCS_OK) {
        pollfd question{event_, POLLIN, 0};
        poll(&question, 1, 1000);
      }
    }
  }
  void take(int peer, uint64_t round, uint64_t slot) {
    wait(peer, round);
    bench::read(in_ + slot_bytes_ * (kSlots * static_cast<uint64_t>(first_ + peer) + slot), shape_.bytes, round);
  }

  Shape shape_{};
  int rank_ = 0, first_ = 0, peers_ = 0, event_ = -1;
  uint64_t slot_bytes_ = 0, flags_at_ = 0;
  ucp_context_h context_ = nullptr;
  ucp_worker_h worker_ = nullptr;
  ucp_mem_h out_memory_ = nullptr, in_memory_ = nullptr;
  char *out_ = nullptr, *in_ = nullptr;
  Peer peer_[kMostMembers];
  uint64_t words_[kMostMembers][8][2];
  std::vector<ucs_status_ptr_t> open_;
};

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [] { return std::make_unique<UcxEngine>(); });
}

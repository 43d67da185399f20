#include "acceptor.h"

#include "failure.h"
#include "secret.h"
#include "shared_link.h"
#include "shared_memory.h"

namespace m2n {
bool Acceptor::has_news() const { return load(own_.shared().table.announced) != seen_; }

void Acceptor::accept(const HasRoom& has_room, const Add& add) {
  ConnectTable& table = own_.shared().table;
  seen_ = load(table.announced);
  for (ConnectEntry& entry : table.entries) {
    const uint64_t word = load(entry.word);
    if (EntryWord::state(word) == EntryState::kAnnounced) answer(entry, word, has_room, add);
  }
}

void Acceptor::answer(ConnectEntry& entry, uint64_t word, const HasRoom& has_room, const Add& add) const {
  ConnectRequest request;
  copy_once(&request, &entry.request, sizeof request);
  std::shared_ptr<ReceiverPair> pair;
  Refusal refusal = check(request);
  if (refusal == Refusal::kNone) refusal = has_room(request.rank);
  if (refusal == Refusal::kNone) {
    try {
      pair = make_pair(request);
    } catch (const std::exception&) {  // also no memory for the private copies
      refusal = Refusal::kRegion;
    }
  }
  const ConnectAnswer reply{refusal == Refusal::kNone ? M2N_OK : M2N_REFUSED, static_cast<uint32_t>(refusal)};
  std::memcpy(&entry.answer, &reply, sizeof reply);
  // Added first: the sender may dispatch as soon as it reads the answer. If it has given up instead, it has closed its
  // end, and the pair goes at once.
  if (pair != nullptr) {
    store(pair->view.header().receiver.state, static_cast<uint32_t>(kConnected));
    add(pair);
  }
  exchange_if(entry.word, word, EntryWord::make(EntryWord::use(word), EntryState::kAnswered));
  if (pair != nullptr) pair->link->ring();
}

Refusal Acceptor::check(const ConnectRequest& request) const {
  // The secret first: who does not have it learns nothing else.
  if (!is_same_secret(request.secret, config_.secret)) return Refusal::kSecret;
  if (request.abi != M2N_ABI_VERSION) return Refusal::kAbi;
  if (!(request.sizes == sizes_)) return Refusal::kSizes;
  return Refusal::kNone;
}

std::shared_ptr<ReceiverPair> Acceptor::make_pair(const ConnectRequest& request) const {
  auto watch = transport_.watch(request.pair);
  auto region = transport_.map(request.pair, kPairMagic, layout_.region_bytes);
  if (row_door_ != nullptr) transport_.map_rows(*region, row_door_->take(request.pair.nonce), layout_.row_memory_bytes);
  auto peer = std::make_unique<PeerDoorbell>(transport_, request.doorbell);
  const int32_t kind = transport_.is_private() ? M2N_LOOPBACK : M2N_SHM;
  auto link = std::make_unique<SharedLink>(SharedLink::kReceiverSide, kind, std::move(region), std::move(peer),
                                           std::move(watch));
  return std::make_shared<ReceiverPair>(request.rank, std::move(link), sizes_, layout_);
}

void Acceptor::reclaim(uint64_t now) {
  if (row_door_ != nullptr) row_door_->tidy(now);
  for (uint32_t i = 0; i < kConnectEntries; ++i) {
    ConnectEntry& entry = own_.shared().table.entries[i];
    Watched& watched = watched_[i];
    const uint64_t word = load(entry.word);
    if (word != watched.word) {
      watched = {word, now};
      continue;
    }
    const EntryState state = EntryWord::state(word);
    if (state == EntryState::kFree || state == EntryState::kAnnounced || now - watched.since_ns < kStaleEntryNs)
      continue;
    exchange_if(entry.word, word, EntryWord::make(EntryWord::use(word) + 1, EntryState::kFree));
  }
}

}  // namespace m2n

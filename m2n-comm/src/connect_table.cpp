#include "connect_table.h"

#include <atomic>
#include <cstring>

#include "shared_memory.h"

namespace m2n {

const char* refusal_sentence(uint32_t refusal) {
  switch (static_cast<Refusal>(refusal)) {
    case Refusal::kAbi:
      return "its library has another ABI version";
    case Refusal::kSecret:
      return "the cluster secret is wrong";
    case Refusal::kSizes:
      return "slots, rows, pairs, groups, row bytes and result bytes must be equal on both sides";
    case Refusal::kFull:
      return "it has no room for another peer";
    case Refusal::kRankTaken:
      return "a living peer has this rank";
    case Refusal::kRegion:
      return "it could not map the pair's region, or only one side has row_memory";
    case Refusal::kOther:
      return "another endpoint has its port now: it was started again";
    default:
      return "it gave no reason";
  }
}

ConnectClaim::~ConnectClaim() {
  if (entry_ == nullptr) return;
  erase_request();
  for (const EntryState from : {EntryState::kClaimed, EntryState::kAnnounced, EntryState::kAnswered})
    if (exchange_if(entry_->word, EntryWord::make(use_, from), EntryWord::make(use_, EntryState::kFree))) return;
}

bool ConnectClaim::take() {
  for (ConnectEntry& entry : table_.entries) {
    const uint64_t word = load(entry.word);
    if (EntryWord::state(word) != EntryState::kFree) continue;
    const uint64_t use = EntryWord::use(word) + 1;
    if (!exchange_if(entry.word, word, EntryWord::make(use, EntryState::kClaimed))) continue;
    entry_ = &entry;
    use_ = use;
    return true;
  }
  return false;
}

void ConnectClaim::announce(const ConnectRequest& request) {
  std::memcpy(&entry_->request, &request, sizeof request);
  exchange_if(entry_->word, EntryWord::make(use_, EntryState::kClaimed), EntryWord::make(use_, EntryState::kAnnounced));
  std::atomic_ref<uint64_t>(table_.announced).fetch_add(1, std::memory_order_seq_cst);
}

bool ConnectClaim::has_answer(ConnectAnswer* answer) {
  const uint64_t word = load(entry_->word);
  if (word == EntryWord::make(use_, EntryState::kClaimed) || word == EntryWord::make(use_, EntryState::kAnnounced))
    return false;
  *answer = {M2N_REFUSED, static_cast<uint32_t>(Refusal::kNone)};
  if (word == EntryWord::make(use_, EntryState::kAnswered)) copy_once(answer, &entry_->answer, sizeof *answer);
  return true;
}

bool ConnectClaim::withdraw() {
  return exchange_if(entry_->word, EntryWord::make(use_, EntryState::kAnnounced),
                     EntryWord::make(use_, EntryState::kClaimed));
}

// The secret does not stay where later senders could read it.
void ConnectClaim::erase_request() {
  if (EntryWord::use(load(entry_->word)) == use_) std::memset(&entry_->request, 0, sizeof entry_->request);
}

}  // namespace m2n

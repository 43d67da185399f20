// The receiver's side: an expert node's senders, the pieces they have sent, and the batch it is working on.
#ifndef M2N_SRC_RECEIVER_H
#define M2N_SRC_RECEIVER_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "endpoint.h"
#include "gather.h"
#include "receiver_pair.h"

namespace m2n {

class Receiver final : public Endpoint {
 public:
  explicit Receiver(const m2n_config& config);
  ~Receiver() override;

  m2n_status receive(const m2n_gather* gather, uint32_t wait_us, m2n_batch* out);
  m2n_status rows_wait(const m2n_batch* batch, uint32_t piece, uint32_t rows, uint32_t wait_us, uint32_t* available);
  m2n_status return_rows(const m2n_batch* batch, uint32_t piece, uint32_t pairs);
  m2n_status return_batch(const m2n_batch* batch, int32_t status, uint64_t compute_ns);
  m2n_status return_piece(const m2n_batch* batch, uint32_t piece, int32_t status, uint64_t compute_ns);

 protected:
  uint32_t peer_count() const override;

 private:
  using Pair = ReceiverPair;
  struct BatchPiece {
    std::shared_ptr<Pair> pair;  // held until the return, so that rows stay mapped whatever becomes of the sender
    bool returned;
  };

  m2n_status check_gather(const m2n_gather* gather) const;
  // The time of this look, from one reading of the clock.
  uint64_t look_ns();
  // Looks at all counters once; then what decide() says of what has come.
  GatherDecision look_around(const m2n_gather& gather);
  void collect();
  bool collect_pair(uint32_t sender);
  void take_in(uint32_t sender, uint32_t slot);
  bool read_piece(Pair& pair, uint32_t slot) const;
  void refuse_foreign_tags();
  static bool has_left(const Pair& pair);
  void accept(Station& station);
  Refusal room_for(uint32_t rank);
  void keep_house();
  void serve(const GatherDecision& decision, const m2n_gather& gather, m2n_batch* out);
  void take_piece(const ReadyPiece& ready);
  void answer(Pair& pair, uint32_t slot, int32_t status, uint64_t compute_ns);
  void begin_answer(Pair& pair, uint32_t slot, int32_t status, uint64_t compute_ns, uint32_t pairs, uint32_t chunks);
  void publish_results(Pair& pair, uint32_t slot, uint32_t chunks);
  // Rows of the slot's message that have come; notes when it is whole.
  uint32_t rows_here(Pair& pair, uint32_t slot);
  void drain(Pair& pair, uint32_t slot);
  void drop(uint32_t sender);
  bool is_current(const m2n_batch* batch) const;
  GatherState state_of(const m2n_gather& gather, uint64_t now) const;

  std::vector<std::shared_ptr<Pair>> pairs_;  // index = ReadyPiece::sender
  std::vector<SenderPhase> phases_;           // of pairs_, index for index
  std::vector<ReadyPiece> ready_;             // oldest first
  std::vector<uint32_t> chosen_;
  std::vector<m2n_piece> pieces_;  // what the caller sees of the current batch
  std::vector<BatchPiece> batch_;
  uint32_t tag_count_ = 0;
  bool takes_early_ = false;
  bool served_ = false;
  uint32_t last_tag_ = 0;
  uint64_t looked_ns_ = 0;   // when a look last found something; 0 in a look that has not found anything yet
  uint64_t checked_ns_ = 0;  // when senders were last asked whether they live
};

}  // namespace m2n

#endif

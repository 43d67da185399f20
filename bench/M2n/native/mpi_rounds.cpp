// A rival: Open MPI. HOW: p2p (Isend and Irecv into a buffer of each peer), alltoallv over all members, neighbor
// (Neighbor_alltoallv on the bipartite graph), stream (p2p, one way, four in flight). Started by mpirun, one process a
// member; WAIT spin or yield is mpirun's mpi_yield_when_idle.
#include <mpi.h>

#include <memory>

#include "rounds.h"

namespace {

using namespace bench;

constexpr int kInFlight = 4;

class MpiEngine final : public Engine {
 public:
  void open(const Shape& shape, int rank, Board&) override {
    shape_ = shape;
    sends_ = rank < shape.senders;
    first_ = sends_ ? shape.senders : 0;
    peers_ = sends_ ? shape.receivers : shape.senders;
    const auto all = static_cast<std::size_t>(std::max(shape.members(), kInFlight)) * shape.bytes;
    out_.resize(all);
    in_.resize(all);
    credits_.resize(kInFlight, MPI_REQUEST_NULL);
    sending_.resize(kInFlight, MPI_REQUEST_NULL);
    if (shape.how == "neighbor") make_graph();
  }

  void send_round(uint64_t round) override {
    if (shape_.is_stream()) return stream_out(round);
    for (int peer = 0; peer < peers_; ++peer) make(out(peer), shape_.bytes, round);
    if (shape_.how == "p2p") {
      post_receives();
      send_all();
      MPI_Waitall(peers_, receives_, MPI_STATUSES_IGNORE);
      MPI_Waitall(peers_, sends_out_, MPI_STATUSES_IGNORE);
    } else {
      collective(true);
      collective(false);
    }
    for (int peer = 0; peer < peers_; ++peer) bench::read(in(peer), shape_.bytes, round);
  }

  void serve_round(uint64_t round) override {
    if (shape_.is_stream()) return stream_in(round);
    if (shape_.how == "p2p") {
      post_receives();
      MPI_Waitall(peers_, receives_, MPI_STATUSES_IGNORE);
    } else {
      collective(true);
    }
    for (int peer = 0; peer < peers_; ++peer) {
      bench::read(in(peer), shape_.bytes, round);
      make(out(peer), shape_.bytes, round);
    }
    if (shape_.how == "p2p") {
      send_all();
      MPI_Waitall(peers_, sends_out_, MPI_STATUSES_IGNORE);
    } else {
      collective(false);
    }
  }

  void close() override {
    MPI_Waitall(kInFlight, credits_.data(), MPI_STATUSES_IGNORE);
    MPI_Waitall(kInFlight, sending_.data(), MPI_STATUSES_IGNORE);
  }

 private:
  char* out(int peer) { return out_.data() + static_cast<std::size_t>(peer) * shape_.bytes; }
  char* in(int peer) { return in_.data() + static_cast<std::size_t>(peer) * shape_.bytes; }
  int bytes() const { return static_cast<int>(shape_.bytes); }

  void post_receives() {
    for (int peer = 0; peer < peers_; ++peer)
      MPI_Irecv(in(peer), bytes(), MPI_BYTE, first_ + peer, 1, MPI_COMM_WORLD, &receives_[peer]);
  }
  void send_all() {
    for (int peer = 0; peer < peers_; ++peer)
      MPI_Isend(out(peer), bytes(), MPI_BYTE, first_ + peer, 1, MPI_COMM_WORLD, &sends_out_[peer]);
  }

  void make_graph() {
    std::vector<int> peers;
    for (int peer = 0; peer < peers_; ++peer) peers.push_back(first_ + peer);
    MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, peers_, peers.data(), MPI_UNWEIGHTED, peers_, peers.data(),
                                   MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &graph_);
  }

  // The dispatch half (senders send) or the combine half of a round.
  void collective(bool is_dispatch) {
    const bool is_neighbor = shape_.how == "neighbor";
    const int places = is_neighbor ? peers_ : shape_.members();
    std::vector<int> send_counts(static_cast<std::size_t>(places)), receive_counts(send_counts), offsets(send_counts);
    for (int peer = 0; peer < peers_; ++peer) {
      const auto at = static_cast<std::size_t>(is_neighbor ? peer : first_ + peer);
      (sends_ == is_dispatch ? send_counts : receive_counts)[at] = bytes();
      offsets[at] = peer * bytes();
    }
    if (is_neighbor)
      MPI_Neighbor_alltoallv(out_.data(), send_counts.data(), offsets.data(), MPI_BYTE, in_.data(),
                             receive_counts.data(), offsets.data(), MPI_BYTE, graph_);
    else
      MPI_Alltoallv(out_.data(), send_counts.data(), offsets.data(), MPI_BYTE, in_.data(), receive_counts.data(),
                    offsets.data(), MPI_BYTE, MPI_COMM_WORLD);
  }

  void stream_out(uint64_t round) {
    const auto slot = static_cast<std::size_t>(round % kInFlight);
    MPI_Wait(&credits_[slot], MPI_STATUS_IGNORE);
    MPI_Wait(&sending_[slot], MPI_STATUS_IGNORE);
    make(out(static_cast<int>(slot)), shape_.bytes, round);
    MPI_Irecv(&credit_, 1, MPI_BYTE, first_, 2, MPI_COMM_WORLD, &credits_[slot]);
    MPI_Isend(out(static_cast<int>(slot)), bytes(), MPI_BYTE, first_, 1, MPI_COMM_WORLD, &sending_[slot]);
  }
  void stream_in(uint64_t round) {
    MPI_Recv(in(0), bytes(), MPI_BYTE, first_, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    bench::read(in(0), shape_.bytes, round);
    MPI_Send(&credit_, 1, MPI_BYTE, first_, 2, MPI_COMM_WORLD);
  }

  Shape shape_{};
  bool sends_ = false;
  int first_ = 0, peers_ = 0;
  char credit_ = 0;
  std::vector<char> out_, in_;
  MPI_Request receives_[kMostMembers], sends_out_[kMostMembers];
  std::vector<MPI_Request> credits_, sending_;
  MPI_Comm graph_ = MPI_COMM_NULL;
};

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const Shape shape = parse(argc, argv);
  int rank, members;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &members);
  if (members != shape.members()) die("mpirun started another number of members");
  if (rank == 0) make_control(shape);
  MPI_Barrier(MPI_COMM_WORLD);
  alarm(static_cast<unsigned>(shape.seconds * 4) + 30);
  MpiEngine engine;
  run_member(shape, rank, engine);
  MPI_Finalize();
}

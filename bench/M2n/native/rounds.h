// The measuring harness of `bench m2n`: M senders and N receivers, each a process on a core of its own turn, exchange
// rounds. In a round every sender makes new data for every receiver (every byte is written), hands it over, and reads
// what comes back; a receiver does the same the other way. Reading loads every cache line and compares both ends. Without
// making and reading, engines that pull from the source look several times too good: an unchanged source stays cached.
//
// An engine implements Engine and calls run(). One line of JSON on stdout: half a round for 1x1, else whole rounds.
#ifndef M2N_BENCH_ROUNDS_H
#define M2N_BENCH_ROUNDS_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

constexpr int kMostMembers = 64;

inline uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

[[noreturn]] inline void die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::_Exit(1);
}

// What a run is: PROGRAM SENDERS RECEIVERS BYTES WAIT HOW SECONDS CONTROL-FILE [NAMESPACE-A NAMESPACE-B INTERFACE [TRANSPORT]]
struct Shape {
  int senders, receivers;
  uint64_t bytes;
  std::string wait;  // spin, yield, park, default
  std::string how;   // pieces, slot, copied, or an engine's own word; stream: one way, four in flight
  double seconds;
  std::string control;
  std::string host_of_senders, host_of_receivers, interface, transport;
  int members() const { return senders + receivers; }
  bool is_stream() const { return how.find("stream") != std::string::npos; }
};

// Shared by all members: the meeting points, the round after the last, and 256 bytes and more of each member's own.
struct Control {
  std::atomic<uint64_t> last_round;
  std::atomic<uint32_t> is_ending;
  std::atomic<uint64_t> next_round[kMostMembers];  // of each sender, once the end is near
  std::atomic<int> arrived[64];
  std::atomic<uint32_t> place_bytes[kMostMembers];
  char places[kMostMembers][8192];
};

class Board {
 public:
  Board(const Shape& shape, int rank) : shape_(shape), rank_(rank) {
    const int file = open(shape.control.c_str(), O_RDWR);
    void* memory = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || memory == MAP_FAILED) die("the control file cannot be mapped");
    close(file);
    control_ = static_cast<Control*>(memory);
  }
  void meet() {
    std::atomic<int>& point = control_->arrived[meetings_++];
    for (point.fetch_add(1); point.load() < shape_.members(); usleep(100)) check_parent();
  }
  // As meet(), doing something meanwhile.
  template <class Progress>
  void meet(Progress&& progress) {
    std::atomic<int>& point = control_->arrived[meetings_++];
    for (point.fetch_add(1); point.load() < shape_.members(); check_parent()) progress();
  }
  void put(const void* place, uint32_t bytes) {
    std::memcpy(control_->places[rank_], place, bytes);
    control_->place_bytes[rank_].store(bytes);
  }
  const char* get(int member, uint32_t* bytes) {
    while ((*bytes = control_->place_bytes[member].load()) == 0) {
      usleep(100);
      check_parent();
    }
    return control_->places[member];
  }
  Control& control() { return *control_; }
  // The end, once it is near: every sender says once at which round it learned of it, and the end is far enough ahead of
  // the furthest that nobody is past it. A sender goes on meanwhile, since rivals in step with one another need it in the
  // round that they are in, but never so far that the end could lie behind it.
  void approach_the_end(uint64_t round) {
    std::atomic<uint64_t>& learned = control_->next_round[rank_];
    if (learned.load() == 0) learned.store(round);
    while (!settle_the_end() && round >= learned.load() + kRoundsToTheEnd / 2) {
      usleep(100);
      check_parent();
    }
  }

 private:
  static constexpr uint64_t kRoundsToTheEnd = 8;

  // False while a sender has not yet said where it is.
  bool settle_the_end() {
    uint64_t furthest = 0;
    for (int sender = 0; sender < shape_.senders; ++sender) {
      const uint64_t learned = control_->next_round[sender].load();
      if (learned == 0) return false;
      furthest = std::max(furthest, learned);
    }
    control_->last_round.store(furthest + kRoundsToTheEnd);
    return true;
  }

  static void check_parent() {
    if (getppid() == 1) std::_Exit(1);
  }
  const Shape& shape_;
  int rank_;
  int meetings_ = 0;
  Control* control_;
};

inline void make(void* data, uint64_t bytes, uint64_t round) {
  std::memset(data, static_cast<int>(round & 0x7f), bytes);
}

inline void read_lines(const void* data, uint64_t bytes) {
  uint64_t sum = 0;
  const auto* words = static_cast<const uint64_t*>(data);
  for (uint64_t i = 0; i < bytes / 8; i += 8) sum += words[i];
  asm volatile("" : : "r"(sum));
}

inline void check_ends(const void* data, uint64_t bytes, uint64_t round) {
  const auto* at = static_cast<const unsigned char*>(data);
  if (at[0] != (round & 0x7f) || at[bytes - 1] != (round & 0x7f)) die("wrong data");
}

inline void read(const void* data, uint64_t bytes, uint64_t round) {
  read_lines(data, bytes);
  check_ends(data, bytes, round);
}

class Engine {
 public:
  virtual ~Engine() = default;
  // Every member: opens, connects to all of the other side.
  virtual void open(const Shape& shape, int rank, Board& board) = 0;
  virtual void send_round(uint64_t round) = 0;   // a sender's half of a round
  virtual void serve_round(uint64_t round) = 0;  // a receiver's
  virtual void close() {}
};

inline void enter(const std::string& name) {
  if (name.empty()) return;
  const int space = ::open(("/run/netns/" + name).c_str(), O_RDONLY);
  if (space < 0 || setns(space, CLONE_NEWNET) != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount("", "/", "none", MS_SLAVE | MS_REC, nullptr) != 0 || umount2("/sys", MNT_DETACH) != 0 ||
      mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0)
    die("the network namespace " + name + " cannot be entered");
  ::close(space);
}

inline void pin(int core) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core % cores, &set);
  sched_setaffinity(0, sizeof set, &set);
}

inline void report(const Shape& shape, std::vector<double>& round_us, double elapsed_s, uint64_t rounds) {
  const double messages = static_cast<double>(shape.senders) * shape.receivers * static_cast<double>(rounds);
  const double moved = messages * static_cast<double>(shape.bytes) * (shape.is_stream() ? 1 : 2);
  // The first tenth is warm-up.
  std::sort(round_us.begin() + static_cast<long>(round_us.size() / 10), round_us.end());
  const auto at = [&](double share) {
    if (round_us.empty()) return 0.0;
    const std::size_t first = round_us.size() / 10, count = round_us.size() - first;
    return round_us[first + std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)))];
  };
  const double part = shape.members() == 2 && !shape.is_stream() ? 0.5 : 1;
  std::printf("{\"p50_us\":%.3f,\"p99_us\":%.3f,\"gb_per_s\":%.4f,\"rounds\":%lu}\n", part * at(0.5), part * at(0.99),
              moved / elapsed_s * 1e-9, rounds);
  std::fflush(stdout);
}

inline void run_member(const Shape& shape, int rank, Engine& engine) {
  const bool sends = rank < shape.senders;
  enter(sends ? shape.host_of_senders : shape.host_of_receivers);
  pin(sends ? rank : rank - shape.senders + 1);
  Board board(shape, rank);
  engine.open(shape, rank, board);
  board.meet();
  std::atomic<uint64_t>& last = board.control().last_round;
  std::vector<double> round_us;
  if (rank == 0) round_us.reserve(4'000'000);
  const uint64_t started = now_ns(), until = started + static_cast<uint64_t>(shape.seconds * 1e9);
  uint64_t round = 1;
  for (; round < last.load(std::memory_order_acquire); ++round) {
    if (!sends) {
      engine.serve_round(round);
      continue;
    }
    if (board.control().is_ending.load() != 0) board.approach_the_end(round);
    const uint64_t before = now_ns();
    engine.send_round(round);
    if (rank != 0) continue;
    const uint64_t after = now_ns();
    if (round_us.size() < round_us.capacity()) round_us.push_back(static_cast<double>(after - before) * 1e-3);
    if (after > until) board.control().is_ending.store(1);
  }
  const double elapsed_s = static_cast<double>(now_ns() - started) * 1e-9;
  engine.close();
  if (rank == 0) report(shape, round_us, elapsed_s, round - 1);
}

inline Shape parse(int argc, char** argv) {
  if (argc < 8)
    die("usage: SENDERS RECEIVERS BYTES WAIT HOW SECONDS CONTROL-FILE [HOST-A HOST-B INTERFACE [TRANSPORT]]");
  Shape shape{std::atoi(argv[1]),
              std::atoi(argv[2]),
              std::strtoull(argv[3], nullptr, 10),
              argv[4],
              argv[5],
              std::atof(argv[6]),
              argv[7],
              "",
              "",
              "lo",
              ""};
  if (argc > 10) {
    shape.host_of_senders = argv[8];
    shape.host_of_receivers = argv[9];
    shape.interface = argv[10];
    if (argc > 11) shape.transport = argv[11];
  }
  if (shape.members() > kMostMembers) die("too many members");
  return shape;
}

inline void make_control(const Shape& shape) {
  const int file = ::open(shape.control.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, sizeof(Control)) != 0) die("the control file cannot be made");
  const uint64_t never = ~uint64_t{0};
  if (pwrite(file, &never, sizeof never, 0) != sizeof never) die("the control file cannot be written");
  ::close(file);
}

// Forks the members; exit status 0 if all ended well.
template <class Make>
int run(int argc, char** argv, Make&& make_engine) {
  const Shape shape = parse(argc, argv);
  make_control(shape);
  std::vector<pid_t> children;
  for (int rank = 0; rank < shape.members(); ++rank) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(static_cast<unsigned>(shape.seconds * 4) + 30);
      auto engine = make_engine();
      run_member(shape, rank, *engine);
      std::_Exit(0);
    }
    children.push_back(child);
  }
  int bad = 0;
  for (std::size_t left = children.size(); left > 0; --left) {
    int status = 0;
    waitpid(-1, &status, 0);
    if (status == 0 || bad != 0) continue;
    bad = 1;
    for (const pid_t child : children) kill(child, SIGKILL);
  }
  return bad;
}

}  // namespace bench

#endif

// m2n-conformance: clusters of any size over any transport, with random routings, joins, leaves and kills; every row and
// every result is checked. It uses m2n.h alone, so another library with the same exports can be put in libm2n's place
// (LD_LIBRARY_PATH). Members are processes, except over loopback, where they are threads.
#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>
#include <thread>

#include "board.h"
#include "hosts.h"
#include "member.h"
#include "plan.h"

namespace m2n::conformance {
namespace {

constexpr int kSkipped = 77;
constexpr const char* kUsage =
    "m2n-conformance [--transport loopback|shm|ucx|auto|tcp] [--senders N|FROM-TO] [--receivers N|FROM-TO] [--seeds "
    "N]\n"
    "                [--first-seed N] [--modes steady,churn,kills] [--rounds N] [--kills N] [--interface NAME]\n"
    "                [--namespaces NAME,NAME...] [--limit SECONDS] [--verbose]\n"
    "Runs one cluster for each seed, mode and number of members. Exit status 0: all passed; 77: the transport cannot "
    "be\n"
    "had here. Namespaces default to those of in-namespaces (M2N_NAMESPACES), whose interface is eth0.\n";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

[[noreturn]] void fail_usage(const std::string& sentence) {
  std::fprintf(stderr, "m2n-conformance: %s\n%s", sentence.c_str(), kUsage);
  std::exit(2);
}

void parse_range(const char* text, uint32_t* from, uint32_t* to) {
  const int found = std::sscanf(text, "%u-%u", from, to);
  if (found == 1) *to = *from;
  if (found < 1 || *from == 0 || *to < *from || *to > kMostMembers / 4)
    fail_usage(std::string("'") + text + "' is no number of members");
}

m2n_transport parse_transport(const std::string& name) {
  m2n_capabilities known{};
  for (int32_t transport = 0; m2n_transport_capabilities(transport, &known) == M2N_OK; ++transport)
    if (name == known.name) return static_cast<m2n_transport>(transport);
  fail_usage("there is no transport '" + name + "'");
}

std::vector<Mode> parse_modes(const char* text) {
  std::vector<Mode> modes;
  for (const std::string& name : split(text)) {
    bool is_known = false;
    for (const Mode mode : {Mode::kSteady, Mode::kChurn, Mode::kKills}) {
      if (name != name_of(mode)) continue;
      modes.push_back(mode);
      is_known = true;
    }
    if (!is_known) fail_usage("there is no mode '" + name + "'");
  }
  return modes;
}

Options parse(int argc, char** argv) {
  Options options;
  if (const char* hosts = std::getenv("M2N_NAMESPACES")) {
    options.hosts = split(hosts);
    options.interface = "eth0";
  }
  const option flags[] = {
      {"transport", 1, nullptr, 't'},  {"senders", 1, nullptr, 'm'},    {"receivers", 1, nullptr, 'n'},
      {"seeds", 1, nullptr, 's'},      {"first-seed", 1, nullptr, 'f'}, {"modes", 1, nullptr, 'o'},
      {"rounds", 1, nullptr, 'r'},     {"kills", 1, nullptr, 'k'},      {"interface", 1, nullptr, 'i'},
      {"namespaces", 1, nullptr, 'w'}, {"limit", 1, nullptr, 'l'},      {"verbose", 0, nullptr, 'v'},
      {"help", 0, nullptr, 'h'},       {nullptr, 0, nullptr, 0}};
  for (int flag; (flag = getopt_long(argc, argv, "", flags, nullptr)) != -1;) {
    switch (flag) {
      case 't':
        options.transport = parse_transport(optarg);
        break;
      case 'm':
        parse_range(optarg, &options.senders_from, &options.senders_to);
        break;
      case 'n':
        parse_range(optarg, &options.receivers_from, &options.receivers_to);
        break;
      case 's':
        options.seeds = std::strtoull(optarg, nullptr, 10);
        break;
      case 'f':
        options.first_seed = std::strtoull(optarg, nullptr, 10);
        break;
      case 'o':
        options.modes = parse_modes(optarg);
        break;
      case 'r':
        options.rounds = static_cast<uint32_t>(std::strtoul(optarg, nullptr, 10));
        break;
      case 'k':
        options.kills = static_cast<uint32_t>(std::strtoul(optarg, nullptr, 10));
        break;
      case 'i':
        options.interface = optarg;
        break;
      case 'w':
        options.hosts = split(optarg);
        break;
      case 'l':
        options.limit_s = static_cast<uint32_t>(std::strtoul(optarg, nullptr, 10));
        break;
      case 'v':
        options.verbose = true;
        break;
      case 'h':
        std::fputs(kUsage, stdout);
        std::exit(0);
      default:
        std::fputs(kUsage, stderr);
        std::exit(2);
    }
  }
  return options;
}

// A cluster whose members are processes of their own, so that they can be killed.
class Processes {
 public:
  Processes(const Plan& plan, Board& board) : plan_(plan), board_(board), children_(plan.senders + plan.receivers) {}

  void run() {
    for (std::size_t member = 0; member < children_.size(); ++member) start(member);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(plan_.options->limit_s);
    std::mt19937_64 random(plan_.seed * 7 + 5);
    uint32_t kills = plan_.mode == Mode::kKills ? plan_.options->kills : 0;
    while (board_.senders_done < plan_.senders && !board_.has_failed()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (kills > 0 && random() % 8 == 0 && board_.served > 0) {
        --kills;
        restart(plan_.senders + random() % plan_.receivers);
      }
      reap();
      if (std::chrono::steady_clock::now() > until) board_.fail("it hangs: not done in %u s", plan_.options->limit_s);
    }
    board_.stop = 1;
    end_all();
  }

 private:
  void start(std::size_t member) {
    std::fflush(nullptr);
    children_[member] = fork();
    if (children_[member] != 0) return;
    const std::vector<std::string>& hosts = plan_.options->hosts;
    if (!hosts.empty() && !enter_host(hosts[member % hosts.size()])) _exit(1);
    const auto rank = static_cast<uint32_t>(member < plan_.senders ? member : member - plan_.senders);
    if (member < plan_.senders)
      run_sender(plan_, board_, rank);
    else
      run_receiver(plan_, board_, rank);
    std::fflush(nullptr);
    // Sanitizers report at exit; nothing of the parent's is torn down twice.
    std::quick_exit(0);
  }

  void restart(std::size_t member) {
    kill(children_[member], SIGKILL);
    waitpid(children_[member], nullptr, 0);
    board_.remove(static_cast<uint32_t>(member - plan_.senders));
    start(member);
  }

  void reap() {
    for (pid_t& child : children_) {
      int status = 0;
      if (child <= 0 || waitpid(child, &status, WNOHANG) != child) continue;
      child = 0;
      if (status != 0)
        board_.fail("a member ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
  }

  void end_all() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto is_running = [&] {
      for (const pid_t child : children_)
        if (child > 0) return true;
      return false;
    };
    while (is_running() && std::chrono::steady_clock::now() < until) {
      reap();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    for (pid_t& child : children_) {
      if (child <= 0) continue;
      board_.fail("a member did not end when it was told to");
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
      child = 0;
    }
  }

  const Plan& plan_;
  Board& board_;
  std::vector<pid_t> children_;
};

void run_threads(const Plan& plan, Board& board) {
  std::vector<std::thread> receivers, senders;
  for (uint32_t rank = 0; rank < plan.receivers; ++rank)
    receivers.emplace_back([&, rank] { run_receiver(plan, board, rank); });
  for (uint32_t rank = 0; rank < plan.senders; ++rank)
    senders.emplace_back([&, rank] { run_sender(plan, board, rank); });
  for (std::thread& sender : senders) sender.join();
  board.stop = 1;
  for (std::thread& receiver : receivers) receiver.join();
}

bool run_one(const Plan& plan, Board& board) {
  board.clear();
  if (plan.options->transport == M2N_LOOPBACK)
    run_threads(plan, board);
  else
    Processes(plan, board).run();
  if (plan.mode == Mode::kSteady && !board.has_failed() && board.served != board.sent)
    board.fail("%lu pieces were sent and %lu served", board.sent.load(), board.served.load());
  if (board.has_failed() || plan.options->verbose)
    std::printf("%s %ux%u seed %lu: %s (%lu pieces, %lu lost with their receivers)\n", name_of(plan.mode), plan.senders,
                plan.receivers, plan.seed, board.has_failed() ? board.failure() : "ok", board.sent.load(),
                board.lost.load());
  return !board.has_failed();
}

int run(const Options& options) {
  m2n_capabilities capabilities{};
  m2n_transport_capabilities(options.transport, &capabilities);
  if (capabilities.available == 0) {
    std::printf("skipped: %s\n", m2n_last_error());
    return kSkipped;
  }
  Board& board = Board::make();
  uint64_t clusters = 0, failed = 0;
  for (uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed)
    for (const Mode mode : options.modes)
      for (uint32_t senders = options.senders_from; senders <= options.senders_to; ++senders)
        for (uint32_t receivers = options.receivers_from; receivers <= options.receivers_to; ++receivers) {
          if (mode == Mode::kKills && options.transport == M2N_LOOPBACK) continue;  // a thread cannot be killed
          const Plan plan{&options, mode, senders, receivers, seed * 10'000 + senders * 100 + receivers};
          ++clusters;
          if (!run_one(plan, board)) ++failed;
        }
  std::printf("%s: %lu clusters passed, %lu failed\n", capabilities.name, clusters - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace m2n::conformance

int main(int argc, char** argv) { return m2n::conformance::run(m2n::conformance::parse(argc, argv)); }

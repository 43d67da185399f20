#include <algorithm>
#include <limits>

#include "harness.h"

namespace mk::test {
namespace {

struct Groups {
  int32_t groups = 1;
  int32_t top_groups = 1;
  int32_t score = MK_GROUP_MAXIMUM;
};

struct GateCase {
  GateCase(uint64_t seed, int32_t rows, int32_t experts, int32_t top_k, int32_t kind, bool correction, bool ties,
           Groups groups = {})
      : rows_(rows),
        experts_(experts),
        top_k_(top_k),
        kind_(kind),
        normalize_(static_cast<int32_t>(seed % 2)),
        groups_(groups) {
    Random random(seed);
    logits_ = random.numbers(static_cast<int64_t>(rows) * experts, 8.0f);
    if (ties) {
      for (float& logit : logits_) logit = std::round(logit / 4);
    }
    if (correction) correction_ = random.numbers(experts);
    if (correction && ties) {
      for (float& value : correction_) value = std::round(value);
    }
  }

  int32_t rows() const { return rows_; }

  // Experts then weights of each row, in one array.
  std::vector<float> run(mk_context* context, int32_t begin, int32_t end) const {
    const size_t count = static_cast<size_t>((end - begin) * top_k_);
    std::vector<int32_t> experts(count);
    std::vector<float> weights(count), both;
    mk_gate_topk_args args = {};
    args.logits = logits_.data() + static_cast<int64_t>(begin) * experts_;
    args.correction = correction_.empty() ? nullptr : correction_.data();
    args.experts_out = experts.data();
    args.weights_out = weights.data();
    args.rows = end - begin;
    args.experts = experts_;
    args.top_k = top_k_;
    args.router_kind = kind_;
    args.normalize = normalize_;
    args.groups = groups_.groups;
    args.top_groups = groups_.top_groups;
    args.scaling = 1.5f;
    args.group_score = groups_.score;
    EXPECT_EQ(mk_gate_topk(context, nullptr, &args), MK_OK) << mk_last_error();
    finish(context);
    for (size_t i = 0; i < count; ++i) {
      both.push_back(static_cast<float>(experts[i]));
      both.push_back(weights[i]);
    }
    return both;
  }

  std::vector<float> slice(const std::vector<float>& out, int32_t row) const { return row_of(out, row, 2 * top_k_); }

  void expect_near_double(const std::vector<float>& out) const {
    for (int32_t row = 0; row < rows_; ++row) {
      std::vector<double> scores;
      double sum = 0;
      for (int32_t i = 0; i < experts_; ++i) {
        const double logit = logits_[static_cast<size_t>(row * experts_ + i)];
        scores.push_back(kind_ == MK_ROUTER_SOFTMAX ? std::exp(logit) : 1 / (1 + std::exp(-logit)));
        sum += scores.back();
      }
      if (kind_ == MK_ROUTER_SIGMOID) sum = 1;
      double chosen = 0;
      for (int32_t k = 0; k < top_k_; ++k) chosen += scores[static_cast<size_t>(expert(out, row, k))] / sum;
      for (int32_t k = 0; k < top_k_; ++k) {
        if (k > 0) {
          EXPECT_LT(expert(out, row, k - 1), expert(out, row, k));
        }
        double expected = scores[static_cast<size_t>(expert(out, row, k))] / sum * 1.5;
        if (normalize_ == 1) expected /= chosen;
        expect_near(expected, out[static_cast<size_t>((row * top_k_ + k) * 2 + 1)], 1e-6 * expected + 1e-12,
                    "gate weight");
      }
      EXPECT_EQ(experts_of(out, row), expected_experts(row)) << "row " << row;
    }
  }

 private:
  int32_t expert(const std::vector<float>& out, int32_t row, int32_t k) const {
    return static_cast<int32_t>(out[static_cast<size_t>((row * top_k_ + k) * 2)]);
  }

  std::vector<int32_t> experts_of(const std::vector<float>& out, int32_t row) const {
    std::vector<int32_t> experts;
    for (int32_t k = 0; k < top_k_; ++k) experts.push_back(expert(out, row, k));
    return experts;
  }

  // The greatest `count` of `keys` among `from`, ascending; ties go to the lower index.
  static std::vector<int32_t> greatest(const std::vector<float>& keys, std::vector<int32_t> from, int32_t count) {
    std::stable_sort(from.begin(), from.end(), [&keys](int32_t a, int32_t b) {
      return keys[static_cast<size_t>(a)] > keys[static_cast<size_t>(b)];
    });
    from.resize(static_cast<size_t>(count));
    std::sort(from.begin(), from.end());
    return from;
  }

  // By sorting, from the scores that the library itself gives when it chooses every expert.
  std::vector<int32_t> expected_experts(int32_t row) const {
    std::vector<float> keys = all_scores(row);
    for (size_t i = 0; i < correction_.size(); ++i) keys[i] += correction_[i];
    const int32_t size = experts_ / groups_.groups;
    std::vector<float> group_keys;
    std::vector<int32_t> all_groups, candidates;
    for (int32_t group = 0; group < groups_.groups; ++group) {
      std::vector<float> own(keys.begin() + group * size, keys.begin() + (group + 1) * size);
      std::sort(own.rbegin(), own.rend());
      group_keys.push_back(own[0]);
      if (groups_.score == MK_GROUP_TOP_TWO && size > 1) group_keys.back() += own[1];
      all_groups.push_back(group);
    }
    for (int32_t group : greatest(group_keys, all_groups, groups_.top_groups)) {
      for (int32_t i = 0; i < size; ++i) candidates.push_back(group * size + i);
    }
    return greatest(keys, candidates, top_k_);
  }

  std::vector<float> all_scores(int32_t row) const {
    if (experts_ > 64) ADD_FAILURE() << "too many experts to ask for all";
    std::vector<int32_t> experts(static_cast<size_t>(experts_));
    std::vector<float> scores(static_cast<size_t>(experts_));
    const mk_gate_topk_args args = {logits_.data() + row * experts_,
                                    nullptr,
                                    experts.data(),
                                    scores.data(),
                                    1,
                                    experts_,
                                    experts_,
                                    kind_,
                                    0,
                                    1,
                                    1,
                                    1.0f,
                                    0};
    EXPECT_EQ(mk_gate_topk(reference(), nullptr, &args), MK_OK) << mk_last_error();
    return scores;
  }

  int32_t rows_, experts_, top_k_, kind_, normalize_;
  Groups groups_;
  std::vector<float> logits_, correction_;
};

class GateTopK : public FastBackend {};
MK_FAST_BACKENDS(GateTopK);

TEST_P(GateTopK, GeneratedShapes_GiveTheReferencesBits) {
  Random random(19);
  for (int32_t i = 0; i < 80; ++i) {
    const int32_t experts = 1 + random.below(i % 8 == 0 ? 600 : 70);
    const int32_t top_k = 1 + random.below(std::min(experts, 64));
    const GateCase c(static_cast<uint64_t>(i), 1 + random.below(33), experts, top_k, i % 2, i % 3 == 0, i % 5 == 0);
    expect_reference_bits(c, "case " + std::to_string(i));
  }
  expect_reference_bits(GateCase(1, 700, 64, 8, MK_ROUTER_SOFTMAX, false, false), "rows that threads share");
}

// Experts, groups and choices that belong together.
GateCase grouped_case(Random& random, uint64_t seed, int32_t most_size) {
  const int32_t groups = 1 + random.below(8), size = 1 + random.below(most_size);
  const Groups limits = {groups, 1 + random.below(groups), static_cast<int32_t>(seed % 2)};
  const int32_t top_k = 1 + random.below(std::min(limits.top_groups * size, 64));
  return GateCase(seed, 1 + random.below(9), groups * size, top_k, random.below(2), seed % 3 == 0, seed % 5 < 2,
                  limits);
}

TEST_P(GateTopK, Groups_GiveTheReferencesBits) {
  Random random(73);
  for (int32_t i = 0; i < 120; ++i)
    expect_reference_bits(grouped_case(random, static_cast<uint64_t>(i), 40), "case " + std::to_string(i));
  const Groups many = {300, 120, MK_GROUP_TOP_TWO};
  expect_reference_bits(GateCase(1, 5, 1200, 60, MK_ROUTER_SIGMOID, true, false, many), "more groups than choices");
}

TEST(GateTopKReference, Groups_AgreeWithSorting) {
  Random random(79);
  for (int32_t i = 0; i < 120; ++i) {
    const GateCase c = grouped_case(random, static_cast<uint64_t>(i), 8);
    c.expect_near_double(c.run(reference(), 0, c.rows()));
  }
}

TEST(GateTopKReference, AgreesWithDoublePrecision) {
  for (int32_t i = 0; i < 40; ++i) {
    const GateCase c(static_cast<uint64_t>(i), 9, 3 + i, 1 + i % 3, i % 2, i % 4 == 0, i % 3 == 0);
    c.expect_near_double(c.run(reference(), 0, 9));
  }
}

TEST(GateTopKAnyBackend, LogitsThatAreNotNumbers_StillChooseDistinctExperts) {
  for (int32_t backend : {MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512}) {
    const Context context = make_context(backend);
    if (context == nullptr) continue;
    const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
    for (const std::vector<float>& logits : {std::vector<float>(5, nan), std::vector<float>(5, -infinity),
                                             std::vector<float>{nan, 1, infinity, -infinity, 0}}) {
      std::vector<int32_t> experts(3, -1);
      std::vector<float> weights(3);
      const mk_gate_topk_args args = {
          logits.data(), nullptr, experts.data(), weights.data(), 1, 5, 3, MK_ROUTER_SOFTMAX, 1, 1, 1, 1.0f, 0};
      ASSERT_EQ(mk_gate_topk(context.get(), nullptr, &args), MK_OK);
      EXPECT_TRUE(0 <= experts[0] && experts[0] < experts[1] && experts[1] < experts[2] && experts[2] < 5);
    }
  }
}

TEST(GateTopKAnyBackend, GroupsOfWhatIsNotANumber_ComeLast) {
  for (int32_t backend : {MK_BACKEND_REFERENCE, MK_BACKEND_AVX2, MK_BACKEND_AVX512}) {
    const Context context = make_context(backend);
    if (context == nullptr) continue;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> logits = {nan, nan, 1, nan, 2, -50};
    std::vector<int32_t> experts(3, -1);
    std::vector<float> weights(3);
    mk_gate_topk_args args = {
        logits.data(),   nullptr, experts.data(), weights.data(), 1, 6, 3, MK_ROUTER_SIGMOID, 0, 3, 2, 1,
        MK_GROUP_TOP_TWO};
    ASSERT_EQ(mk_gate_topk(context.get(), nullptr, &args), MK_OK);
    EXPECT_EQ(experts, (std::vector<int32_t>{0, 4, 5}));
    args.group_score = MK_GROUP_MAXIMUM;
    ASSERT_EQ(mk_gate_topk(context.get(), nullptr, &args), MK_OK);
    EXPECT_EQ(experts, (std::vector<int32_t>{2, 4, 5}));
  }
}

TEST(GateTopKReference, BadArguments_AreRefusedByName) {
  std::vector<float> data(8);
  std::vector<int32_t> experts(8);
  const mk_gate_topk_args good = {
      data.data(), nullptr, experts.data(), data.data(), 1, 4, 2, MK_ROUTER_SOFTMAX, 1, 1, 1, 1.0f, 0};
  mk_gate_topk_args args = good;
  args.top_k = 5;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "top_k");
  args = good;
  args.router_kind = 2;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "router_kind");
  args = good;
  args.groups = 3;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "groups");
  args.groups = 2;
  args.top_groups = 3;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "top_groups");
  args.top_groups = 1;
  args.top_k = 3;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "top_groups");
  args.top_k = 2;
  args.group_score = 2;
  EXPECT_REFUSED(mk_gate_topk(reference(), nullptr, &args), "group_score");
}

}  // namespace
}  // namespace mk::test

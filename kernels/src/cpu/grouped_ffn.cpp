// Each pair's row through its expert: down(activation(gate(row), up(row))), the gated middle rows in scratch memory. An
// expert's weights are streamed once for all its rows. Where enough experts have rows, a thread takes whole ones, so that
// it reads memory in order, from an expert's gate and up to its down and on to the next expert; otherwise all threads
// share the panels, those of gate and up first.
#include "backend.h"
#include "rows.h"

namespace mk::MK_ISA {
namespace {

struct Task {
  int32_t expert;
  int32_t panel_begin;
  int32_t panel_end;
};

struct Job {
  const mk_grouped_ffn_args* args;
  const Task* tasks;
  float* middle;  // [pairs, middle_stride]
  int64_t middle_stride;
  Runtime* runtime;
  char* inputs;  // prepared, a row for each pair; null: rows are taken as they are
  int64_t input_bytes;
  char* activated;  // the same of the middle rows
  int64_t activated_bytes;
};

struct InputRow {
  const Job& job;
  MK_INLINE_MEMBER const void* operator()(int32_t pair) const {
    if (job.inputs != nullptr) return job.inputs + pair * job.input_bytes;
    return job.args->row_of_pair[pair];
  }
};

struct MiddleRow {
  const Job& job;
  MK_INLINE_MEMBER const void* operator()(int32_t pair) const {
    if (job.inputs != nullptr) return job.activated + pair * job.activated_bytes;
    return job.middle + pair * job.middle_stride;
  }
};

// A gate-up panel's halves are the two factors.
struct FinishMiddle {
  const Job& job;
  const mk_experts_shape& shape;
  const float* bias;  // of the expert, or null

  MK_INLINE_MEMBER void operator()(int32_t pair, int32_t panel, int32_t lane, V gate, V up) const {
    if (bias != nullptr) {
      gate = add(gate, load(bias + panel * kPanelWidth + lane));
      up = add(up, load(bias + panel * kPanelWidth + kPanelHalf + lane));
    }
    const V middle = shape.activation == MK_SWIGLU ? mul(silu_of(gate), up) : clamped(gate, up);
    store(job.middle + pair * job.middle_stride + panel * kPanelHalf + lane, middle);
  }

  MK_INLINE_MEMBER V clamped(V gate, V up) const {
    const V one = set1(1.0f), limit = set1(shape.limit);
    const V g = min(limit, gate);
    const V u = max(set1(-shape.limit), min(limit, up));
    const V share = div(g, add(one, exp_of(negate(mul(set1(shape.alpha), g)))));
    return mul(share, add(u, one));
  }
};

struct FinishResult {
  const Job& job;
  const float* bias;  // of the expert, or null

  MK_INLINE_MEMBER void operator()(int32_t pair, int32_t panel, int32_t lane, V first, V second) const {
    const int32_t feature = panel * kPanelWidth + lane;
    if (bias != nullptr) {
      first = add(first, load(bias + feature));
      second = add(second, load(bias + feature + kPanelHalf));
    }
    store_halves(job.args->out_of_pair[pair], feature, job.args->experts->shape.hidden, first, second);
  }
};

void gate_and_up(const Job& job, const Task& task) {
  const PackedExpert& expert = job.args->experts->experts[task.expert];
  const int32_t begin = job.args->offsets[task.expert], end = job.args->offsets[task.expert + 1];
  multiply_prepared(*job.runtime, expert.gate_up, task.panel_begin, task.panel_end, begin, end, InputRow{job},
                    FinishMiddle{job, job.args->experts->shape, expert.gate_up_bias});
}

void down(const Job& job, const Task& task) {
  const PackedExpert& expert = job.args->experts->experts[task.expert];
  const int32_t begin = job.args->offsets[task.expert], end = job.args->offsets[task.expert + 1];
  multiply_prepared(*job.runtime, expert.down, task.panel_begin, task.panel_end, begin, end, MiddleRow{job},
                    FinishResult{job, expert.down_bias});
}

void prepare_inputs(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const PackedMatrix& matrix = job.args->experts->experts[0].gate_up;
  for (int64_t pair = begin; pair < end; ++pair)
    prepare_row(*job.runtime, matrix, job.args->row_of_pair[pair], job.inputs + pair * job.input_bytes);
}

void prepare_middle(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  const PackedMatrix& matrix = job.args->experts->experts[0].down;
  for (int64_t pair = begin; pair < end; ++pair)
    prepare_row(*job.runtime, matrix, job.middle + pair * job.middle_stride,
                job.activated + pair * job.activated_bytes);
}

void gate_and_up_tasks(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t i = begin; i < end; ++i) gate_and_up(job, job.tasks[i]);
}

void down_tasks(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t i = begin; i < end; ++i) down(job, job.tasks[i]);
}

void whole_experts(const void* job_address, int64_t begin, int64_t end) {
  const Job& job = *static_cast<const Job*>(job_address);
  for (int64_t i = begin; i < end; ++i) {
    const int32_t expert = job.tasks[i].expert;
    const PackedExpert& packed = job.args->experts->experts[expert];
    const int32_t first = job.args->offsets[expert], last = job.args->offsets[expert + 1];
    if (job.inputs != nullptr) prepare_inputs(&job, first, last);
    gate_and_up(job, {expert, 0, packed.gate_up.panels});
    if (job.inputs != nullptr) prepare_middle(&job, first, last);
    down(job, {expert, 0, packed.down.panels});
  }
}

// Experts for each thread from which on whole ones divide evenly enough.
constexpr int32_t kWholeExpertsPerThread = 4;

bool has_rows(const mk_grouped_ffn_args& args, int32_t expert) {
  return args.offsets[expert + 1] > args.offsets[expert];
}

// Makes a task of every expert that has rows; returns how many.
int64_t list_experts(const mk_grouped_ffn_args& args, Task* tasks, double* cost_ns) {
  int64_t count = 0;
  *cost_ns = 0.0;
  for (int32_t expert = 0; expert < args.experts->shape.count; ++expert) {
    if (!has_rows(args, expert)) continue;
    const PackedExpert& packed = args.experts->experts[expert];
    const int32_t rows = args.offsets[expert + 1] - args.offsets[expert];
    tasks[count++] = {expert, 0, 0};
    *cost_ns += product_ns(packed.gate_up, rows) + product_ns(packed.down, rows);
  }
  return count;
}

// Cuts the panels of every expert that has rows into tasks; returns how many.
int64_t cut(const mk_grouped_ffn_args& args, PackedMatrix PackedExpert::*matrix_of, int32_t threads, Task* tasks,
            double* cost_ns) {
  int64_t count = 0;
  *cost_ns = 0.0;
  for (int32_t expert = 0; expert < args.experts->shape.count; ++expert) {
    if (!has_rows(args, expert)) continue;
    const int32_t rows = args.offsets[expert + 1] - args.offsets[expert];
    const PackedMatrix& matrix = args.experts->experts[expert].*matrix_of;
    const int32_t step = panels_at_once(matrix, threads);
    for (int32_t panel = 0; panel < matrix.panels; panel += step) {
      tasks[count++] = {expert, panel, panel + step < matrix.panels ? panel + step : matrix.panels};
    }
    *cost_ns += product_ns(matrix, rows);
  }
  return count;
}

}  // namespace

mk_status grouped_ffn(Runtime& runtime, const mk_grouped_ffn_args& args) {
  const mk_experts& experts = *args.experts;
  if (args.pairs == 0) return MK_OK;
  const PackedExpert& any = experts.experts[0];
  const int64_t middle_stride = static_cast<int64_t>(any.gate_up.panels) * kPanelHalf;
  const int32_t panels = any.gate_up.panels > any.down.panels ? any.gate_up.panels : any.down.panels;
  const uint64_t middle_bytes =
      static_cast<uint64_t>(args.pairs) * static_cast<uint64_t>(middle_stride) * sizeof(float);
  const uint64_t task_bytes = static_cast<uint64_t>(experts.shape.count) * static_cast<uint64_t>(panels) * sizeof(Task);
  const int64_t input_bytes = prepared_row_bytes(runtime, any.gate_up);
  const int64_t activated_bytes = prepared_row_bytes(runtime, any.down);
  const bool prepares = input_bytes > 0;
  const uint64_t row_bytes = static_cast<uint64_t>(args.pairs) * static_cast<uint64_t>(input_bytes + activated_bytes);
  char* memory = static_cast<char*>(scratch(runtime, middle_bytes + task_bytes + row_bytes));
  if (memory == nullptr) return MK_NO_MEMORY;
  Task* tasks = reinterpret_cast<Task*>(memory + middle_bytes);
  char* inputs = memory + middle_bytes + task_bytes;
  const Job job = {&args,
                   tasks,
                   reinterpret_cast<float*>(memory),
                   middle_stride,
                   &runtime,
                   prepares ? inputs : nullptr,
                   input_bytes,
                   inputs + args.pairs * input_bytes,
                   activated_bytes};

  const int32_t threads = thread_count(runtime);
  double cost_ns = 0.0;
  int64_t count = list_experts(args, tasks, &cost_ns);
  if (count >= kWholeExpertsPerThread * threads) {
    parallel_for_grain(runtime, count, 1, cost_ns, whole_experts, &job);
    return MK_OK;
  }
  if (prepares) parallel_for(runtime, args.pairs, prepare_ns(any.gate_up, args.pairs), prepare_inputs, &job);
  count = cut(args, &PackedExpert::gate_up, threads, tasks, &cost_ns);
  parallel_for_grain(runtime, count, 1, cost_ns, gate_and_up_tasks, &job);
  if (prepares) parallel_for(runtime, args.pairs, prepare_ns(any.down, args.pairs), prepare_middle, &job);
  count = cut(args, &PackedExpert::down, threads, tasks, &cost_ns);
  parallel_for_grain(runtime, count, 1, cost_ns, down_tasks, &job);
  return MK_OK;
}

}  // namespace mk::MK_ISA

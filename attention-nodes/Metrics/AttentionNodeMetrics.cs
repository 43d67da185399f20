using System.Diagnostics;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.Metrics;

/// <summary>
/// What an attention node has done since it started, and how it stands. Written by the node loop, once a step; any thread may read, each number by itself.
/// </summary>
public sealed class AttentionNodeMetrics
{
    private const double NewShare = 1.0 / 8;

    private long _steps;
    private long _stepTicks;
    private long _waitTicks;
    private long _planTicks;
    private long _headTicks;
    private long _allocatedBytes;
    private long _idleTicks;
    private long _rows;
    private long _decodeRows;
    private long _tokens;
    private long _replays;
    private long _reusedTokens;
    private long _preemptions;
    private int _running;
    private int _waiting;
    private int _kvUsed;
    private int _kvFree;
    private int _microBatches;
    private double _attentionUs;
    private double _expertUs;
    private double _transferUs;

    /// <summary>Steps that succeeded.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>Rows computed, recomputed ones included.</summary>
    public long Rows => Volatile.Read(ref _rows);

    /// <summary>Rows that extended a sequence by one token.</summary>
    public long DecodeRows => Volatile.Read(ref _decodeRows);

    /// <summary>Tokens sampled.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Steps that failed and were run again, or given up.</summary>
    public long Replays => Volatile.Read(ref _replays);

    /// <summary>Tokens whose keys and values came from the prefix cache.</summary>
    public long ReusedTokens => Volatile.Read(ref _reusedTokens);

    public long Preemptions => Volatile.Read(ref _preemptions);

    public int RunningSequences => Volatile.Read(ref _running);

    public int WaitingSequences => Volatile.Read(ref _waiting);

    /// <summary>Blocks that sequences hold.</summary>
    public int KvBlocksUsed => Volatile.Read(ref _kvUsed);

    /// <summary>Blocks that are free or only cached.</summary>
    public int KvBlocksFree => Volatile.Read(ref _kvFree);

    /// <summary>Micro-batches of the last step.</summary>
    public int MicroBatches => Volatile.Read(ref _microBatches);

    /// <summary>From planning a step to its samples.</summary>
    public TimeSpan StepTime => Span(ref _stepTicks);

    /// <summary>The part of <see cref="StepTime"/> that was waiting for the experts: the idle time of this pool.</summary>
    public TimeSpan WaitTime => Span(ref _waitTicks);

    /// <summary>The part of <see cref="StepTime"/> that was the scheduler's.</summary>
    public TimeSpan PlanTime => Span(ref _planTicks);

    /// <summary>The part of <see cref="StepTime"/> that was the LM head's and the sampler's.</summary>
    public TimeSpan HeadTime => Span(ref _headTicks);

    /// <summary>Managed memory that steps have allocated on the loop's thread, their reports apart.</summary>
    public long StepAllocatedBytes => Volatile.Read(ref _allocatedBytes);

    /// <summary>Time without any work.</summary>
    public TimeSpan IdleTime => Span(ref _idleTicks);

    /// <summary>Running means of one micro-batch in one layer.</summary>
    public StageTimes StageTimes =>
        new(Volatile.Read(ref _attentionUs), Volatile.Read(ref _expertUs), Volatile.Read(ref _transferUs));

    /// <summary>Adds every counter and gauge under its metric name.</summary>
    public void CopyTo(IDictionary<string, double> metrics)
    {
        StageTimes times = StageTimes;
        metrics["megainfer_running_sequences"] = RunningSequences;
        metrics["megainfer_waiting_sequences"] = WaitingSequences;
        metrics["megainfer_generated_tokens_total"] = Tokens;
        metrics["megainfer_attention_steps_total"] = Steps;
        metrics["megainfer_attention_step_seconds_total"] = StepTime.TotalSeconds;
        metrics["megainfer_attention_expert_wait_seconds_total"] = WaitTime.TotalSeconds;
        metrics["megainfer_attention_plan_seconds_total"] = PlanTime.TotalSeconds;
        metrics["megainfer_attention_head_seconds_total"] = HeadTime.TotalSeconds;
        metrics["megainfer_attention_step_allocated_bytes_total"] = StepAllocatedBytes;
        metrics["megainfer_attention_collections_total"] = GC.CollectionCount(0);
        metrics["megainfer_attention_idle_seconds_total"] = IdleTime.TotalSeconds;
        metrics["megainfer_attention_idle_share"] = StepTime > TimeSpan.Zero ? WaitTime / StepTime : 0;
        metrics["megainfer_attention_rows_total"] = Rows;
        metrics["megainfer_attention_decode_rows_total"] = DecodeRows;
        metrics["megainfer_attention_replays_total"] = Replays;
        metrics["megainfer_attention_preemptions_total"] = Preemptions;
        metrics["megainfer_attention_prefix_hit_tokens_total"] = ReusedTokens;
        metrics["megainfer_attention_kv_blocks_used"] = KvBlocksUsed;
        metrics["megainfer_attention_kv_blocks_free"] = KvBlocksFree;
        metrics["megainfer_attention_micro_batches"] = MicroBatches;
        metrics["megainfer_attention_ta_seconds"] = times.AttentionUs / 1e6;
        metrics["megainfer_attention_te_seconds"] = times.ExpertUs / 1e6;
        metrics["megainfer_attention_tc_seconds"] = times.TransferUs / 1e6;
    }

    internal void AddStep(Step step, int microBatches, int tokens, in StepCost cost, StageClock clock)
    {
        Add(ref _steps, 1);
        Add(ref _stepTicks, cost.Ticks);
        Add(ref _planTicks, cost.PlanTicks);
        Add(ref _headTicks, cost.HeadTicks);
        Add(ref _allocatedBytes, cost.AllocatedBytes);
        Add(ref _waitTicks, clock.WaitTicks);
        Add(ref _rows, step.RowCount);
        Add(ref _decodeRows, step.DecodeRowCount);
        Add(ref _tokens, tokens);
        Volatile.Write(ref _microBatches, microBatches);
        StageTimes times = clock.Times;
        Mix(ref _attentionUs, times.AttentionUs);
        Mix(ref _expertUs, times.ExpertUs);
        if (clock.HasTransfer)
            Mix(ref _transferUs, times.TransferUs);
    }

    internal void AddReplay() => Add(ref _replays, 1);

    internal void AddIdle(long ticks) => Add(ref _idleTicks, ticks);

    internal void Show(Scheduler scheduler, KvSpace kv)
    {
        Volatile.Write(ref _running, scheduler.RunningCount);
        Volatile.Write(ref _waiting, scheduler.WaitingCount);
        Volatile.Write(ref _preemptions, scheduler.Preemptions);
        Volatile.Write(ref _kvUsed, kv.UsedCount);
        Volatile.Write(ref _kvFree, kv.AvailableCount);
        Volatile.Write(ref _reusedTokens, kv.ReusedTokens);
    }

    // One writer: whole values for the readers are all that is needed.
    private static void Add(ref long counter, long value) => Volatile.Write(ref counter, counter + value);

    private static void Mix(ref double mean, double value) =>
        Volatile.Write(ref mean, mean == 0 ? value : mean + (NewShare * (value - mean)));

    private static TimeSpan Span(ref long ticks) => TimeSpan.FromSeconds(Volatile.Read(ref ticks) / (double)Stopwatch.Frequency);
}

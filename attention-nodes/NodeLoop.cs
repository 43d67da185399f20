using System.Diagnostics;
using System.Threading.Channels;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Metrics;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes;

/// <summary>
/// The loop of an attention node: next step, run, complete. It waits in two places: at the inbox when there is nothing to do, and at the endpoint while rows are
/// away. A step whose experts failed is planned and run again, with the same bits.
/// </summary>
internal sealed class NodeLoop
{
    // Reports that nobody has read yet, and how long a full channel may hold the loop up.
    private const int ReportCapacity = 1024;
    private static readonly TimeSpan ReaderPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReaderCheck = TimeSpan.FromMilliseconds(100);

    private readonly Channel<StepReport> _reports = Channel.CreateBounded<StepReport>(
        new BoundedChannelOptions(ReportCapacity) { SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Inbox _inbox;
    private readonly KvSpace _kv;
    private readonly Scheduler _scheduler;
    private readonly PingPongPipeline _pipeline;
    private readonly MicroBatchPolicy _microBatches;
    private readonly StepSampler _sampler;
    private readonly IExpertLink _link;
    private readonly OutageWatch _outage;
    private readonly StageClock _clock;
    private volatile bool _isDraining;
    private volatile bool _isStopping;

    internal NodeLoop(AttentionWeights weights, NodeMemory memory, IExpertLink link, AttentionNodeOptions options, TimeProvider time)
    {
        var limits = new SchedulerLimits
        {
            MaxStepRows = options.MaxStepRows,
            MaxChunkRows = options.MaxChunkRows,
            StepTarget = options.StepTarget,
            MaxSequences = options.MaxSequences,
            MaxWaiting = options.MaxWaiting,
            MaxLogitRows = memory.Head.TileRows,
        };
        _link = link;
        _clock = memory.Clock;
        _inbox = new Inbox(options.MaxWaiting + options.MaxSequences);
        _kv = new KvSpace(options.KvBlocks, options.HasPrefixCache);
        _scheduler = new Scheduler(weights.Spec, limits, _kv, weights.Version, time);
        _pipeline = new PingPongPipeline(memory.Embedding, memory.Layers, memory.Step, link, memory.Clock, memory.Recordings);
        _microBatches = new MicroBatchPolicy(options.MicroBatches, options.MinimumMicroBatchRows);
        _sampler = new StepSampler(memory.Head, weights.Version, options.MaxSequences);
        _outage = new OutageWatch(options.OutageLimit, time);
    }

    internal ChannelReader<StepReport> Reports => _reports.Reader;

    internal AttentionNodeMetrics Metrics { get; } = new();

    internal bool IsDraining => _isDraining;

    internal bool Submit(GenerationRequest request) => !_isDraining && !_isStopping && _inbox.TryAdd(request);

    internal void Cancel(SequenceId id) => _inbox.Cancel(id);

    internal void Apply(ClusterSnapshot snapshot)
    {
        _link.Offer(snapshot);
        _inbox.Signal();
    }

    internal void Drain()
    {
        _isDraining = true;
        _inbox.Signal();
    }

    internal void Stop()
    {
        _isStopping = true;
        _inbox.Signal();
    }

    /// <summary>Ends the reports.</summary>
    internal void Close(Exception? error) => _reports.Writer.TryComplete(error);

    /// <summary>Until stopped, or drained. On the node's thread.</summary>
    internal void Run()
    {
        for (Pause pause = Turn(); !pause.IsEnd; pause = Turn())
        {
            if (!pause.Waits)
                continue;
            long began = Stopwatch.GetTimestamp();
            _inbox.Wait(pause.Limit);
            Metrics.AddIdle(Stopwatch.GetTimestamp() - began);
        }
    }

    /// <summary>One turn of the loop: what came in, then at most one step. Sleeping is left to the caller.</summary>
    internal Pause Turn()
    {
        _inbox.Empty(_scheduler);
        if (_isStopping)
            _scheduler.EndAll(FinishReason.Cancelled, "The attention node stopped.");
        ReportEnded();
        if (_scheduler.HasWork)
            return Advance();
        if (!_isStopping && !_isDraining)
            return Idle();
        // A request that slipped in keeps the loop going, so that it is not forgotten.
        if (!_inbox.TryClose())
            return Pause.None;
        Close(null);
        return Pause.End;
    }

    /// <summary>One step, if the experts can be reached.</summary>
    private Pause Advance()
    {
        if (!_link.Prepare())
            return Fail(M2NStatus.Pending);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        Step step = _scheduler.NextStep();
        if (step.IsEmpty)
            return Pause.None;
        long planned = Stopwatch.GetTimestamp();
        int microBatches = _microBatches.Choose(step.RowCount);
        M2NStatus status = _pipeline.Run(step, microBatches);
        if (status != M2NStatus.Ok)
            return Fail(status);
        Complete(step, microBatches, started, planned - started, allocated);
        return Pause.None;
    }

    private void Complete(Step step, int microBatches, long started, long planTicks, long allocated)
    {
        _outage.End();
        _microBatches.Record(step.RowCount, microBatches, Stopwatch.GetElapsedTime(started));
        long computed = Stopwatch.GetTimestamp();
        ReadOnlySpan<SliceSample> samples = _sampler.Sample(step);
        long sampled = Stopwatch.GetTimestamp();
        _scheduler.RecordTime(step.RowCount, Stopwatch.GetElapsedTime(started));
        _scheduler.Complete(step, samples);
        int tokens = 0;
        foreach (ref readonly StepSlice slice in step.Slices)
            tokens += slice.SamplesToken ? 1 : 0;
        long ended = Stopwatch.GetTimestamp();
        var cost = new StepCost(
            ended - started, planTicks + (ended - sampled), sampled - computed, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Metrics.AddStep(step, microBatches, tokens, cost, _clock);
        Report(ReportBuilder.Of(step, samples, _scheduler.Ended));
    }

    /// <summary>Nothing was sampled and no position was completed, so the next step is the failed one again.</summary>
    private Pause Fail(M2NStatus status)
    {
        _outage.Add(status);
        if (status != M2NStatus.Pending)
            Metrics.AddReplay();
        _scheduler.EndExpired();
        if (_outage.IsOver)
        {
            _scheduler.EndAll(FinishReason.Failed, _outage.Reason);
            _outage.End();
        }

        ReportEnded();
        return _scheduler.HasWork ? Pause.For(PauseAfter(status)) : Pause.None;
    }

    private TimeSpan PauseAfter(M2NStatus status)
    {
        TimeSpan pause = status == M2NStatus.Pending ? _link.UntilNextAttempt() ?? _outage.Left : _outage.Pause;
        TimeSpan deadline = _scheduler.UntilNextDeadline() ?? TimeSpan.MaxValue;
        return new[] { pause, deadline, _outage.Left }.Min();
    }

    private Pause Idle()
    {
        _outage.End();
        // Nobody waits for a connection now, so this is the time to make it.
        _link.Prepare();
        Metrics.Show(_scheduler, _kv);
        return Pause.For(_link.UntilNextAttempt());
    }

    private void ReportEnded()
    {
        if (_scheduler.Ended.Count > 0)
            Report(ReportBuilder.Of(null, [], _scheduler.Ended));
    }

    private void Report(StepReport? report)
    {
        Metrics.Show(_scheduler, _kv);
        if (report is null)
            return;
        _scheduler.ClearEnded();
        long began = Stopwatch.GetTimestamp();
        while (!_reports.Writer.TryWrite(report) && !_isStopping)
        {
            if (Stopwatch.GetElapsedTime(began) > ReaderPatience)
                throw new MegaInferException($"Nobody read the attention node's reports for {ReaderPatience.TotalSeconds:0} seconds.");
            _reports.Writer.WaitToWriteAsync().AsTask().Wait(ReaderCheck);
        }
    }
}

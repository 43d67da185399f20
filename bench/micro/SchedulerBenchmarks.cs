using BenchmarkDotNet.Attributes;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Micro;

/// <summary>Planning and completing a step in which every sequence decodes: what the node's loop does around the layers.</summary>
public class SchedulerBenchmarks
{
    private const int Steps = 256;
    private const int PromptTokens = 16;
    private readonly SliceSample[] _samples = new SliceSample[64];
    private Scheduler _scheduler = null!;

    [Params(1, 16, 64)]
    public int Sequences { get; set; }

    [IterationSetup]
    public void SetUp()
    {
        var limits = new SchedulerLimits { MaxStepRows = 64 * PromptTokens, MaxChunkRows = PromptTokens, MaxSequences = 64 };
        _scheduler = new Scheduler(MicroModel.Spec, limits, new KvSpace(8192, hasPrefixCache: true), default, TimeProvider.System);
        Array.Fill(_samples, new SliceSample(new GeneratedToken(7, -1f, default, []), null, null));
        for (int i = 0; i < Sequences; i++)
        {
            _scheduler.Add(new GenerationRequest
            {
                Id = new SequenceId(i),
                PromptTokens = Enumerable.Range(i, PromptTokens).ToArray(),
                Sampling = new SamplingParameters { Seed = 1 },
                MaxTokens = 100_000,
                IgnoreEos = true,
            });
        }

        Advance();
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public int Step()
    {
        for (int step = 0; step < Steps; step++)
            Advance();
        return _scheduler.RunningCount;
    }

    private void Advance()
    {
        Step step = _scheduler.NextStep();
        _scheduler.Complete(step, _samples.AsSpan(0, step.Slices.Length));
    }
}

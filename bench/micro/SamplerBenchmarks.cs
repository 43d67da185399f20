using BenchmarkDotNet.Attributes;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;

namespace MegaInfer.Bench.Micro;

/// <summary>One token from 32,000 logits.</summary>
public class SamplerBenchmarks
{
    private readonly Sampler _sampler = new(MicroModel.Vocabulary);
    private readonly float[] _logits = new float[MicroModel.Vocabulary];
    private SamplingState _greedy = null!;
    private SamplingState _topP = null!;
    private SamplingState _penalties = null!;
    private long _position;

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        for (int i = 0; i < _logits.Length; i++)
            _logits[i] = (float)(3 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        _greedy = State(new SamplingParameters { Seed = 1, Temperature = 0 });
        _topP = State(new SamplingParameters { Seed = 1, Temperature = 0.8f, TopP = 0.95f });
        _penalties = State(new SamplingParameters { Seed = 1, Temperature = 0.8f, TopK = 50, RepetitionPenalty = 1.1f, PresencePenalty = 0.5f });
    }

    [Benchmark(Baseline = true)]
    public int Greedy() => _sampler.Sample(_logits, _greedy, _position++);

    [Benchmark]
    public int TopP() => _sampler.Sample(_logits, _topP, _position++);

    [Benchmark]
    public int TopKWithPenalties() => _sampler.Sample(_logits, _penalties, _position++);

    private static SamplingState State(SamplingParameters sampling) => new(
        new GenerationRequest { Id = new SequenceId(1), PromptTokens = new int[] { 1, 2, 3 }, Sampling = sampling, MaxTokens = 10 }, MicroModel.Spec);
}

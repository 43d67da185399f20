using System.Diagnostics;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Rivals;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Decode;

/// <summary>The same nodes as threads of this process, without server and sockets: what remains when the processes are taken away.</summary>
internal sealed class LocalEngine(LocalCluster cluster, int microBatches) : IDecodeEngine
{
    private readonly DecodeLoad _load = new(cluster);
    private int _prompts;

    public string Name => "megainfer-one-process";

    public int MicroBatches => microBatches;

    internal string? Gpu => cluster.Backend == "cuda" ? cluster.Numerics : null;

    public async Task<Measured> DecodeAsync(DecodeShape shape, CancellationToken cancel)
    {
        OthersClock others = OthersClock.Start();
        DecodeMeasurement measured = await _load.RunAsync(shape);
        return new Measured(measured.TokensPerSecond, others.StopShare(), measured.Stages, measured.ExpertReadsPerLayer, measured.RowsPerExpertGemm);
    }

    public async Task<Measured> PrefillAsync(int tokens, CancellationToken cancel)
    {
        await FirstTokenAsync(tokens, cancel);
        OthersClock others = OthersClock.Start();
        long started = Stopwatch.GetTimestamp();
        await FirstTokenAsync(tokens, cancel);
        return new Measured(tokens / Stopwatch.GetElapsedTime(started).TotalSeconds, others.StopShare());
    }

    private async Task FirstTokenAsync(int tokens, CancellationToken cancel)
    {
        var random = new Random(--_prompts);
        LocalSequence sequence = cluster.Submit(
            new GenerationRequest
            {
                Id = new SequenceId(1_000_000_000L - _prompts),
                PromptTokens = Enumerable.Range(0, tokens).Select(_ => random.Next(cluster.Spec.VocabularySize)).ToArray(),
                Sampling = new SamplingParameters { Seed = 1, Temperature = 0 },
                MaxTokens = 1,
                IgnoreEos = true,
            },
            attentionNode: 0);
        LocalResult result = await sequence.Completion.WaitAsync(cancel);
        if (result.End.Reason != FinishReason.Length)
            throw new MegaInferException($"A prompt ended with {result.End.Reason}: {result.End.Message}");
    }
}

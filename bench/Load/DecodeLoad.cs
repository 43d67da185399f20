using System.Diagnostics;
using MegaInfer.Bench.Cluster;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Load;

/// <summary>
/// A batch of sequences that all decode at the same time. What counts is the window in which every one of them does: from the last sequence's first
/// token to the first sequence's last.
/// </summary>
internal sealed class DecodeLoad(LocalCluster cluster)
{
    // Every so often the means that nodes keep of their stage times are read; often enough to see each of them many times.
    private static readonly TimeSpan SamplePause = TimeSpan.FromMilliseconds(20);
    private int _nextId;

    /// <summary>Runs the batch to its end and measures its decode window.</summary>
    /// <exception cref="MegaInferException">The window is empty, or a sequence failed.</exception>
    internal async Task<DecodeMeasurement> RunAsync(DecodeShape shape)
    {
        if (shape.PromptLength + shape.GenerateLength > cluster.Spec.ContextLength)
            throw new MegaInferException(
                $"{shape.PromptLength} prompt and {shape.GenerateLength} generated tokens exceed the model's context of {cluster.Spec.ContextLength}; lower --prompt-len or --gen-len.");
        LocalSequence[] sequences = [.. Enumerable.Range(0, shape.Batch).Select(index => Submit(shape, index))];
        foreach (LocalSequence sequence in sequences)
            await FirstTokenAsync(sequence);

        ClusterCounters before = ClusterCounters.Read(cluster);
        var stages = new StageSampler(cluster);
        Task<LocalResult> firstDone = await WaitForFirstAsync(sequences, stages);
        ClusterCounters after = ClusterCounters.Read(cluster);
        await firstDone;
        LocalResult[] results = await Task.WhenAll(sequences.Select(sequence => sequence.Completion));
        foreach (LocalResult result in results)
        {
            if (result.End.Reason != FinishReason.Length)
                throw new MegaInferException($"A sequence ended with {result.End.Reason} instead of its full length: {result.End.Message}");
        }

        return new DecodeMeasurement
        {
            Batch = shape.Batch,
            TokensPerSecond = TokensPerSecond(results),
            MeanContext = shape.PromptLength + (shape.GenerateLength / 2),
            Stages = stages.Median,
            Work = after - before,
            LayerCount = cluster.Spec.LayerCount,
            ExpertLayerCount = cluster.Spec.Layers.Count(layer => !layer.IsDense),
        };
    }

    private LocalSequence Submit(DecodeShape shape, int index)
    {
        var random = new Random(index);
        return cluster.Submit(
            new GenerationRequest
            {
                Id = new SequenceId(_nextId++),
                PromptTokens = Enumerable.Range(0, shape.PromptLength).Select(_ => random.Next(cluster.Spec.VocabularySize)).ToArray(),
                Sampling = new SamplingParameters { Seed = (ulong)index, Temperature = 0 },
                MaxTokens = shape.GenerateLength,
                IgnoreEos = true,
            },
            index % cluster.AttentionNodeCount);
    }

    private static async Task FirstTokenAsync(LocalSequence sequence)
    {
        await foreach (GeneratedToken _ in sequence.Stream)
            return;
    }

    private static async Task<Task<LocalResult>> WaitForFirstAsync(LocalSequence[] sequences, StageSampler stages)
    {
        Task<Task<LocalResult>> first = Task.WhenAny(sequences.Select(sequence => sequence.Completion));
        while (await Task.WhenAny(first, Task.Delay(SamplePause, TimeProvider.System)) != first)
            stages.Sample();
        return await first;
    }

    private static double TokensPerSecond(LocalResult[] results)
    {
        long from = results.Max(result => result.Arrivals[0]);
        long to = results.Min(result => result.Arrivals[^1]);
        if (to <= from)
            throw new MegaInferException("The first sequence ended before the last one began to decode; raise --gen-len or lower --prompt-len.");
        int tokens = results.Sum(result => result.Arrivals.Count(arrival => arrival > from && arrival <= to));
        return tokens / Stopwatch.GetElapsedTime(from, to).TotalSeconds;
    }
}

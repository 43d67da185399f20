using MegaInfer.Bench.Cluster;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Quality;

/// <summary>The logits of text from a model in fp32, every stored weight exact, and in other weight types, chunk by chunk, through nodes as they serve.</summary>
internal sealed class QualityRun : IAsyncDisposable
{
    /// <summary>Tokens of a chunk; as llama-perplexity does, positions of its second half count, which have half a chunk before them.</summary>
    public const int ChunkTokens = 256;

    private readonly LocalCluster _exact;
    private readonly IReadOnlyList<LocalCluster> _others;

    /// <param name="options">The model and how it runs; its weight type is set aside.</param>
    /// <param name="types">What it is compared in.</param>
    public QualityRun(LocalClusterOptions options, IReadOnlyList<NumberType> types)
    {
        Types = types;
        _exact = LocalCluster.Start(options with { WeightType = NumberType.Float32 });
        _others = [.. types.Select(type => LocalCluster.Start(options with { WeightType = type }))];
    }

    public IReadOnlyList<NumberType> Types { get; }

    /// <summary>One for each of <see cref="Types"/>.</summary>
    public async Task<IReadOnlyList<QualitySums>> MeasureAsync(ReadOnlyMemory<int> tokens, IProgress<(int Chunk, int Chunks)> progress, CancellationToken cancel)
    {
        QualitySums[] sums = [.. Types.Select(_ => new QualitySums())];
        int chunks = tokens.Length / ChunkTokens;
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            cancel.ThrowIfCancellationRequested();
            ReadOnlyMemory<int> part = tokens.Slice(chunk * ChunkTokens, ChunkTokens);
            float[] exact = await LogitsAsync(_exact, part, chunk);
            for (int i = 0; i < sums.Length; i++)
                Add(sums[i], exact, await LogitsAsync(_others[i], part, chunk), part.Span);
            progress.Report((chunk + 1, chunks));
        }

        return sums;
    }

    public async ValueTask DisposeAsync()
    {
        await _exact.DisposeAsync();
        foreach (LocalCluster other in _others)
            await other.DisposeAsync();
    }

    private static void Add(QualitySums sums, float[] exact, float[] other, ReadOnlySpan<int> tokens)
    {
        int vocabulary = exact.Length / tokens.Length;
        for (int position = ChunkTokens / 2; position + 1 < tokens.Length; position++)
            sums.Add(exact.AsSpan(position * vocabulary, vocabulary), other.AsSpan(position * vocabulary, vocabulary), tokens[position + 1]);
    }

    private static async Task<float[]> LogitsAsync(LocalCluster cluster, ReadOnlyMemory<int> tokens, int chunk)
    {
        LocalResult result = await cluster.Submit(new GenerationRequest
        {
            Id = new SequenceId(chunk + 1),
            PromptTokens = tokens,
            Sampling = new SamplingParameters { Seed = 0, Temperature = 0 },
            MaxTokens = 1,
            IgnoreEos = true,
            PromptLogits = true,
        }).Completion;
        return result.PromptLogits.Length > 0 ? result.PromptLogits : throw new MegaInferException($"A chunk of text gave no logits: {result.End.Message}");
    }
}

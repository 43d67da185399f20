using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Tests.Scheduling;

/// <summary>A model on paper, limits and requests for tests without kernels.</summary>
internal static class Requests
{
    public const int Eos = 7;

    public static readonly ModelSpec Spec = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 8,
        Layers = LayerSpec.Alike(1),
        VocabularySize = 100_000,
        ContextLength = 64,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = false,
        Attention = new GroupedAttentionSpec(1, 1, 8) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(10_000, 8),
        Router = new RouterSpec(2, 1, IsNormalized: true),
        Experts = new ExpertSpec(8),
        EosTokenIds = [Eos],
    };

    public static readonly SchedulerLimits Limits = new()
    {
        MaxStepRows = 16,
        MaxChunkRows = 8,
        MaxSequences = 4,
        MaxLogitRows = 4,
        MaxWaiting = 100,
    };

    /// <summary>A prompt that no other id shares.</summary>
    public static GenerationRequest Of(long id, int promptTokens, int maxTokens) => new()
    {
        Id = new SequenceId(id),
        PromptTokens = Enumerable.Range(100, promptTokens).Select(i => i + (int)(id * 100)).ToArray(),
        Sampling = new SamplingParameters { Seed = 1 },
        MaxTokens = maxTokens,
    };

    public static SliceSample Sample(int token) => new(new GeneratedToken(token, 0, default, []), null, null);

    public static SliceSample[] Samples(IEnumerable<int> tokens) => [.. tokens.Select(Sample)];
}

using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Golden;

/// <summary>The requests whose every bit is compared, and the others that keep them company. All are made from seeds.</summary>
internal static class Probes
{
    /// <summary>No model has a smaller one.</summary>
    public const int Vocabulary = 300;

    /// <summary>Longer than two KV blocks, and not a multiple of one, so that prefixes can be shared and tails matter.</summary>
    private const int PromptTokens = 43;

    public static IReadOnlyList<GenerationRequest> Compared { get; } =
    [
        Make(1, PromptTokens, 20, new SamplingParameters { Seed = 0, Temperature = 0 }, topLogProbs: 3),
        Make(2, 1, 24, new SamplingParameters { Seed = 11, Temperature = 0.9f, TopP = 0.95f, MinP = 0.001f }),
        Make(3, PromptTokens + 9, 16, new SamplingParameters
        {
            Seed = 12, SampleIndex = 3, Temperature = 1.3f, TopK = 40, RepetitionPenalty = 1.1f, PresencePenalty = 0.3f, FrequencyPenalty = 0.2f,
            LogitBias = new Dictionary<int, float> { [5] = 2f, [9] = -100f },
        }),
        Make(4, 33, 1, new SamplingParameters { Seed = 13, Temperature = 0 }) with { PromptLogits = true },
    ];

    /// <summary>Sixteen others of mixed lengths.</summary>
    public static IReadOnlyList<GenerationRequest> Company { get; } =
    [
        .. Enumerable.Range(0, 16).Select(i => Make(100 + i, 3 + (i * 7 % 60), 12 + (i % 4 * 16), new SamplingParameters { Seed = (ulong)(50 + i), Temperature = 1 })),
    ];

    private static GenerationRequest Make(int id, int promptTokens, int maxTokens, SamplingParameters sampling, int topLogProbs = 0)
    {
        var random = new Random(id);
        return new GenerationRequest
        {
            Id = new SequenceId(id),
            PromptTokens = Enumerable.Range(0, promptTokens).Select(_ => random.Next(Vocabulary)).ToArray(),
            Sampling = sampling,
            MaxTokens = maxTokens,
            IgnoreEos = true,
            TopLogProbs = topLogProbs,
        };
    }
}

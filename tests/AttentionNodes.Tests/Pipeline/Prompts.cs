using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>Requests for the tiny model.</summary>
internal static class Prompts
{
    public static GenerationRequest Of(long id, int length, int maxTokens, float temperature = 1f, int content = 0) => new()
    {
        Id = new SequenceId(id),
        PromptTokens = Enumerable.Range(0, length).Select(i => ((i * 37) + (i * i) + (content * 11) + 5) % 120).ToArray(),
        Sampling = new SamplingParameters { Seed = (ulong)(1000 + content), Temperature = temperature },
        MaxTokens = maxTokens,
        IgnoreEos = true,
    };

    /// <summary>Tokens and log-probabilities as text, bit by bit.</summary>
    public static string Bits(IEnumerable<GeneratedToken> tokens) =>
        string.Join(' ', tokens.Select(token => $"{token.Id}:{BitConverter.SingleToUInt32Bits(token.LogProb):x8}"));
}

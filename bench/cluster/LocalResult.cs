using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Bench.Cluster;

/// <summary>What a sequence brought.</summary>
/// <param name="Tokens">In order.</param>
/// <param name="Arrivals">Stopwatch timestamp of each token.</param>
/// <param name="PromptLogits">[prompt tokens, vocabulary], or empty where they were not asked for.</param>
/// <param name="End">Why it ended.</param>
public sealed record LocalResult(IReadOnlyList<GeneratedToken> Tokens, IReadOnlyList<long> Arrivals, float[] PromptLogits, SequenceEnd End);

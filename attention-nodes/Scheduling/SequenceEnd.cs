using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>How a sequence ended.</summary>
/// <param name="Message">One sentence; set where the reason is <see cref="FinishReason.Failed"/>.</param>
/// <param name="CachedTokens">Prompt tokens whose keys and values came from the prefix cache.</param>
public readonly record struct SequenceEnd(FinishReason Reason, string? Message, int CachedTokens);

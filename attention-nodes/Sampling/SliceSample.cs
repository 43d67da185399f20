using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Sampling;

/// <summary>What the logits of one slice of a step came to.</summary>
/// <param name="Token">The sampled token, where the slice samples one and did not fail.</param>
/// <param name="PromptLogits">[positions, vocabulary] raw logits of prompt positions, where the slice returns any; the receiver's to keep.</param>
/// <param name="Failure">Why no token could be drawn, as one sentence.</param>
public readonly record struct SliceSample(GeneratedToken Token, float[]? PromptLogits, string? Failure);

using MegaInfer.Engine.Requests;

namespace MegaInfer.Engine.Reference;

/// <summary>What <see cref="ReferenceModel.Generate"/> returns.</summary>
/// <param name="Tokens">In order; a stop token is the last of them.</param>
/// <param name="End">Why the sequence ended.</param>
public sealed record ReferenceGeneration(IReadOnlyList<GeneratedToken> Tokens, FinishReason End);

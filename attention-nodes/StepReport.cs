using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes;

/// <summary>What one step, or the pause before it, brought for the sequences it touched. Immutable, and the receiver's to keep.</summary>
public sealed record StepReport(IReadOnlyList<SequenceReport> Sequences);

/// <summary>One sequence's news.</summary>
/// <param name="Tokens">New tokens, in order.</param>
/// <param name="PromptLogits">[positions, vocabulary]: the next prompt positions' raw logits, where they were asked for.</param>
/// <param name="End">Set once, in the sequence's last report.</param>
public sealed record SequenceReport(SequenceId Id, IReadOnlyList<GeneratedToken> Tokens, ReadOnlyMemory<float> PromptLogits, SequenceEnd? End);

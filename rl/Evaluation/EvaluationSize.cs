namespace MegaInfer.Rl.Evaluation;

/// <summary>How much an evaluation asks.</summary>
/// <param name="ExactPrompts">Prompts of each exact class.</param>
/// <param name="HardPrompts">Prompts of each hard class.</param>
/// <param name="Samples">Replies to each hard prompt.</param>
internal sealed record EvaluationSize(int ExactPrompts, int HardPrompts, int Samples);

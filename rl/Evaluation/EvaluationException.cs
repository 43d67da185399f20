namespace MegaInfer.Rl.Evaluation;

/// <summary>The evaluation cannot be done; the message is one sentence for the user.</summary>
internal sealed class EvaluationException(string message) : Exception(message);

namespace MegaInfer.Bench.Load;

/// <summary>A batch to decode.</summary>
/// <param name="Batch">Sequences.</param>
/// <param name="PromptLength">Tokens of each prompt.</param>
/// <param name="GenerateLength">Tokens that each sequence generates.</param>
internal sealed record DecodeShape(int Batch, int PromptLength, int GenerateLength);

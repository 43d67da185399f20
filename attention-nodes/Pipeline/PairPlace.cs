namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>Where one pair's result row will be: the rank that computes it, and its number within that rank's piece.</summary>
internal readonly record struct PairPlace(int Rank, int Position);

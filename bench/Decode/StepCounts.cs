namespace MegaInfer.Bench.Decode;

/// <summary>What our nodes counted in the decode steps of a batch.</summary>
/// <param name="ReadsPerLayer">Readings of an expert's weights, in each layer that has experts.</param>
/// <param name="RowsPerGemm">Rows that shared one reading.</param>
/// <param name="WaitShare">Part of an attention node's steps that was waiting for the experts.</param>
/// <param name="PlanShare">The scheduler's part.</param>
/// <param name="HeadShare">The LM head's and the sampler's part; what remains is the attention side of the layers.</param>
/// <param name="AllocatedBytes">Managed memory that a step allocated on the attention node's loop thread, its report apart.</param>
/// <param name="Collections">Garbage collections of the attention nodes meanwhile.</param>
internal readonly record struct StepCounts(
    double ReadsPerLayer, double RowsPerGemm, double WaitShare = 0, double PlanShare = 0, double HeadShare = 0, double AllocatedBytes = 0, double Collections = 0);

namespace MegaInfer.AttentionNodes.Metrics;

/// <summary>What a step took on the loop's thread. Ticks are the stopwatch's.</summary>
/// <param name="Ticks">From planning it to its samples, and what follows from them for its sequences.</param>
/// <param name="PlanTicks">The part that was the scheduler's: choosing rows and taking up the samples.</param>
/// <param name="HeadTicks">The part that was the LM head's and the sampler's.</param>
/// <param name="AllocatedBytes">Managed memory; the report that carries its tokens away is not counted.</param>
internal readonly record struct StepCost(long Ticks, long PlanTicks, long HeadTicks, long AllocatedBytes);

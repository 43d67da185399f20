namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>What bounds a step and the queues of one attention node.</summary>
public sealed record SchedulerLimits
{
    /// <summary>Rows of a step at most: decode rows and prefill chunks together. At least 1.</summary>
    public required int MaxStepRows { get; init; }

    /// <summary>Prompt rows of one sequence in one step at most. At least 1.</summary>
    public required int MaxChunkRows { get; init; }

    /// <summary>
    /// What a step may take while sequences decode: prompt rows are added up to it, at least <see cref="LeastChunkRows"/>, so that decoding keeps its pace and
    /// prompts get on. Zero: no target.
    /// </summary>
    public TimeSpan StepTarget { get; init; }

    /// <summary>Prompt rows that a step has even where its decode rows alone take longer than the target.</summary>
    public int LeastChunkRows { get; init; } = 16;

    /// <summary>Sequences that run at the same time. At least 1.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Sequences that wait; further ones are refused.</summary>
    public int MaxWaiting { get; init; } = 4096;

    /// <summary>Rows of one chunk at most where the logits of every prompt position are asked for: they are copied out whole.</summary>
    public int MaxLogitRows { get; init; } = 64;
}

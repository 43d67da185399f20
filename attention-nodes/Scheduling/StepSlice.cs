namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>The rows of one sequence in a step: consecutive positions whose keys and values are not computed yet.</summary>
/// <param name="FirstRow">Index of its first row within the step.</param>
/// <param name="FirstPosition">Position of that row in the sequence.</param>
/// <param name="RowCount">At least 1.</param>
/// <param name="FirstLogitRow">Rows from here to the last, counted within the slice, need logits; <see cref="RowCount"/> when none does.</param>
/// <param name="PromptLogitCount">How many of those are prompt logits to return.</param>
/// <param name="SamplesToken">The logits of the last row yield a token.</param>
public readonly record struct StepSlice(
    Sequence Sequence,
    int FirstRow,
    int FirstPosition,
    int RowCount,
    int FirstLogitRow,
    int PromptLogitCount,
    bool SamplesToken)
{
    public int LogitRowCount => RowCount - FirstLogitRow;

    /// <summary>Plans the next <paramref name="rowCount"/> rows of a sequence. Pure.</summary>
    public static StepSlice Next(Sequence sequence, int firstRow, int rowCount)
    {
        int first = sequence.ComputedCount;
        int end = first + rowCount;
        bool samples = end == sequence.TokenCount && sequence.WantsToken;
        int logitsFrom = samples ? end - 1 : end;
        int promptLogits = 0;
        if (sequence.LogitsReturned < sequence.LogitsDue)
        {
            int from = Math.Max(first, sequence.LogitsReturned);
            promptLogits = Math.Max(0, Math.Min(end, sequence.LogitsDue) - from);
            if (promptLogits > 0)
                logitsFrom = Math.Min(logitsFrom, from);
        }

        return new StepSlice(sequence, firstRow, first, rowCount, logitsFrom - first, promptLogits, samples);
    }
}

using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.AttentionNodes.Scheduling;

namespace MegaInfer.AttentionNodes;

/// <summary>Turns what a step and the pause before it did into a <see cref="StepReport"/>.</summary>
internal static class ReportBuilder
{
    /// <summary>Call after <see cref="Scheduler.Complete"/>. Null when there is nothing to say.</summary>
    internal static StepReport? Of(Step? step, ReadOnlySpan<SliceSample> samples, IReadOnlyList<Sequence> endedOutside)
    {
        List<SequenceReport> sequences = [.. endedOutside.Select(sequence => new SequenceReport(sequence.Id, [], default, sequence.End))];
        for (int i = 0; i < samples.Length; i++)
        {
            Sequence sequence = step!.Slices[i].Sequence;
            bool hasToken = step.Slices[i].SamplesToken && samples[i].Failure is null;
            if (hasToken || samples[i].PromptLogits is not null || sequence.End is not null)
                sequences.Add(new SequenceReport(sequence.Id, hasToken ? [samples[i].Token] : [], samples[i].PromptLogits, sequence.End));
        }

        return sequences.Count == 0 ? null : new StepReport(sequences);
    }
}

using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Sampling;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Scheduling;

public sealed class SchedulerTests
{
    private readonly ManualTime _time = new();

    private Scheduler Create(int blocks = 64, SchedulerLimits? limits = null, bool hasPrefixCache = false) =>
        new(Requests.Spec, limits ?? Requests.Limits, new KvSpace(blocks, hasPrefixCache), new WeightVersion(0), _time);

    /// <summary>The step as text: id:firstPosition+rows, with * where a token is sampled.</summary>
    private static string Shape(Step step) => string.Join(' ', step.Slices.ToArray().Select(
        slice => $"{slice.Sequence.Id.Value}:{slice.FirstPosition}+{slice.RowCount}{(slice.SamplesToken ? "*" : "")}"));

    private static string RunStep(Scheduler scheduler, int token = 1)
    {
        Step step = scheduler.NextStep();
        string shape = Shape(step);
        scheduler.Complete(step, Requests.Samples(Enumerable.Repeat(token, step.Slices.Length)));
        return shape;
    }

    [Fact]
    public void NextStep_WithNothing_IsEmpty() => Assert.True(Create().NextStep().IsEmpty);

    [Fact]
    public void NextStep_PrefillsInChunksThenDecodes()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 20, 2));
        Assert.Equal(["1:0+8", "1:8+8", "1:16+4*", "1:20+1*", ""], Enumerable.Range(0, 5).Select(_ => RunStep(scheduler)));
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void NextStep_MixesDecodeRowsBeforeChunks()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5));
        Assert.Equal("1:0+3*", RunStep(scheduler));
        scheduler.Add(Requests.Of(2, 12, 5));
        scheduler.Add(Requests.Of(3, 12, 5));
        Assert.Equal("1:3+1* 2:0+8 3:0+7", RunStep(scheduler));
        Assert.Equal("1:4+1* 2:8+4* 3:7+5*", RunStep(scheduler));
        Assert.Equal("1:5+1* 2:12+1* 3:12+1*", RunStep(scheduler));
    }

    [Fact]
    public void NextStep_BesideDecodeRows_TakesPromptRowsUpToTheTarget()
    {
        Scheduler scheduler = Create(limits: Requests.Limits with { StepTarget = TimeSpan.FromMilliseconds(10), LeastChunkRows = 2 });
        scheduler.Add(Requests.Of(1, 3, 9));
        Assert.Equal("1:0+3*", RunStep(scheduler));
        scheduler.RecordTime(1, TimeSpan.FromMilliseconds(3));
        scheduler.RecordTime(8, TimeSpan.FromMilliseconds(17));
        scheduler.Add(Requests.Of(2, 20, 2));
        // 1 ms and 2 ms for each row: four rows take 9 ms.
        Assert.Equal("1:3+1* 2:0+3", RunStep(scheduler));
        scheduler.RecordTime(4, TimeSpan.FromMilliseconds(9));
        Assert.Equal("1:4+1* 2:3+3", RunStep(scheduler));
        // Were decoding slower than the target, prompts would still get on.
        for (int i = 0; i < 200; i++)
            scheduler.RecordTime(4, TimeSpan.FromMilliseconds(90));
        Assert.Equal("1:5+1* 2:6+2", RunStep(scheduler));
        scheduler.Cancel(Requests.Of(1, 3, 9).Id);
        Assert.Equal("2:8+8", RunStep(scheduler));
    }

    [Fact]
    public void NextStep_AdmitsInOrderOfArrivalUpToMaxSequences()
    {
        Scheduler scheduler = Create();
        for (int id = 1; id <= 6; id++)
            scheduler.Add(Requests.Of(id, 1, 2));
        Assert.Equal("1:0+1* 2:0+1* 3:0+1* 4:0+1*", RunStep(scheduler));
        Assert.Equal((4, 2), (scheduler.RunningCount, scheduler.WaitingCount));
        RunStep(scheduler);
        Assert.Equal("5:0+1* 6:0+1*", RunStep(scheduler));
    }

    [Fact]
    public void NextStep_AHeadThatDoesNotFit_HoldsTheOthersBack()
    {
        Scheduler scheduler = Create(blocks: 3);
        scheduler.Add(Requests.Of(1, 17, 3));
        scheduler.Add(Requests.Of(2, 17, 1));
        scheduler.Add(Requests.Of(3, 1, 1));
        Assert.Equal("1:0+8", RunStep(scheduler));
        Assert.Equal(2, scheduler.WaitingCount);
    }

    [Fact]
    public void NextStep_WhenBlocksRunOut_PreemptsTheYoungestWhichKeepsItsTokens()
    {
        Scheduler scheduler = Create(blocks: 3);
        scheduler.Add(Requests.Of(1, 14, 10));
        scheduler.Add(Requests.Of(2, 14, 10));
        Assert.Equal("1:0+8 2:0+8", RunStep(scheduler));
        Assert.Equal("1:8+6* 2:8+6*", RunStep(scheduler, token: 42));
        Assert.Equal("1:14+1* 2:14+1*", RunStep(scheduler, token: 43));
        Assert.Equal("1:15+1* 2:15+1*", RunStep(scheduler, token: 44));
        Assert.Equal("1:16+1*", RunStep(scheduler));
        Assert.Equal((1, 1L), (scheduler.WaitingCount, scheduler.Preemptions));
        for (int i = 0; i < 6; i++)
            RunStep(scheduler);
        Assert.Equal("2:0+8", RunStep(scheduler));
        Step step = scheduler.NextStep();
        Assert.Equal([42, 43, 44], step.Slices[0].Sequence.Tokens[14..].ToArray());
        Assert.Equal("2:8+8", Shape(step));
    }

    [Fact]
    public void NextStep_ASequenceThatOutgrowsTheWholeCache_FailsWithAReason()
    {
        Scheduler scheduler = Create(blocks: 1);
        scheduler.Add(Requests.Of(1, 15, 10));
        for (int i = 0; i < 3; i++)
            RunStep(scheduler);
        Assert.True(scheduler.NextStep().IsEmpty);
        Sequence ended = Assert.Single(scheduler.Ended);
        Assert.Equal(FinishReason.Failed, ended.End!.Value.Reason);
        Assert.Contains("outgrew", ended.End.Value.Message, StringComparison.Ordinal);
        Assert.Equal(17, ended.TokenCount);
    }

    [Fact]
    public void NextStep_PreemptedSequenceThatNoLongerFitsTheCache_Fails()
    {
        // Both need a third block of two in all; the younger one has outgrown the cache as well.
        Scheduler scheduler = Create(blocks: 2);
        scheduler.Add(Requests.Of(1, 15, 20));
        scheduler.Add(Requests.Of(2, 15, 20));
        for (int i = 0; i < 40 && scheduler.HasWork; i++)
            RunStep(scheduler);
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void NextStep_AgainWithoutComplete_PlansTheSameRows()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5));
        RunStep(scheduler);
        scheduler.Add(Requests.Of(2, 20, 5));
        string first = Shape(scheduler.NextStep());
        Assert.Equal(first, Shape(scheduler.NextStep()));
        Assert.Equal("1:3+1* 2:0+8", first);
    }

    [Fact]
    public void Cancel_OfARunningSequence_FreesItsBlocksBeforeTheNextStep()
    {
        var kv = new KvSpace(8, hasPrefixCache: false);
        var scheduler = new Scheduler(Requests.Spec, Requests.Limits, kv, new WeightVersion(0), _time);
        scheduler.Add(Requests.Of(1, 20, 5));
        RunStep(scheduler);
        Assert.Equal(2, kv.UsedCount);
        scheduler.Cancel(new SequenceId(1));
        scheduler.Cancel(new SequenceId(99));
        Assert.Equal(0, kv.UsedCount);
        Assert.Equal(FinishReason.Cancelled, Assert.Single(scheduler.Ended).End!.Value.Reason);
        Assert.True(scheduler.NextStep().IsEmpty);
    }

    [Fact]
    public void NextStep_AfterADeadline_EndsTheSequence()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5) with { Deadline = TimeSpan.FromSeconds(2) });
        scheduler.Add(Requests.Of(2, 3, 5));
        RunStep(scheduler);
        Assert.Equal(TimeSpan.FromSeconds(2), scheduler.UntilNextDeadline());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("2:3+1*", RunStep(scheduler));
        Assert.Equal(FinishReason.DeadlineExceeded, Assert.Single(scheduler.Ended).End!.Value.Reason);
        Assert.Null(scheduler.UntilNextDeadline());
    }

    [Fact]
    public void Complete_AtAStopToken_EndsTheSequenceWithIt()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5));
        Step step = scheduler.NextStep();
        Sequence sequence = step.Slices[0].Sequence;
        scheduler.Complete(step, Requests.Samples([Requests.Eos]));
        Assert.Equal(FinishReason.Stop, sequence.End!.Value.Reason);
        Assert.Equal(7, sequence.Tokens[^1]);
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void Complete_WhenNoTokenCouldBeDrawn_EndsThatSequenceOnly()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5));
        scheduler.Add(Requests.Of(2, 3, 5));
        Step step = scheduler.NextStep();
        Sequence failed = step.Slices[0].Sequence;
        scheduler.Complete(step, [new SliceSample(default, null, "why"), Requests.Sample(1)]);
        Assert.Equal((FinishReason.Failed, "why", 3), (failed.End!.Value.Reason, failed.End.Value.Message, failed.TokenCount));
        Assert.Equal("2:3+1*", RunStep(scheduler));
    }

    [Fact]
    public void Add_OfARequestOutOfBounds_IsRefusedByField()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 64, 1));
        Assert.Contains("prompt has 64 tokens", Assert.Single(scheduler.Ended).End!.Value.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_OfAKnownId_IsRefused()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 5));
        scheduler.Add(Requests.Of(1, 3, 5));
        Assert.Equal(FinishReason.Failed, Assert.Single(scheduler.Ended).End!.Value.Reason);
        Assert.Equal("1:0+3*", RunStep(scheduler));
    }

    [Fact]
    public void Add_ResumedSequence_ContinuesAfterItsTokens()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 4) with { ResumedTokens = new[] { 50, 51, 52 } });
        Assert.Equal("1:0+6*", RunStep(scheduler));
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void Add_ResumedSequenceThatWasAtItsEnd_EndsWithoutAStep()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 3, 2) with { ResumedTokens = new[] { 50, 51 } });
        scheduler.Add(Requests.Of(2, 3, 9) with { ResumedTokens = new[] { 7 } });
        Assert.Equal([FinishReason.Length, FinishReason.Stop], scheduler.Ended.Select(sequence => sequence.End!.Value.Reason));
        Assert.True(scheduler.NextStep().IsEmpty);
    }

    [Fact]
    public void NextStep_PromptLogits_ComeInLimitedChunksAndOnlyOnce()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 10, 0) with { PromptLogits = true });
        List<(int First, int Count, int Logits)> seen = [];
        for (Step step = scheduler.NextStep(); !step.IsEmpty; step = scheduler.NextStep())
        {
            StepSlice slice = Assert.Single(step.Slices.ToArray());
            Assert.False(slice.SamplesToken);
            seen.Add((slice.FirstPosition, slice.PromptLogitCount, slice.LogitRowCount));
            scheduler.Complete(step, Requests.Samples([0]));
        }

        Assert.Equal([(0, 4, 4), (4, 4, 4), (8, 2, 2)], seen);
    }

    [Fact]
    public void NextStep_PromptLogitsWithTokens_SampleFromTheLastRow()
    {
        Scheduler scheduler = Create();
        scheduler.Add(Requests.Of(1, 4, 2) with { PromptLogits = true });
        Step step = scheduler.NextStep();
        Assert.Equal((4, 4, true), (step.Slices[0].PromptLogitCount, step.Slices[0].LogitRowCount, step.Slices[0].SamplesToken));
        scheduler.Complete(step, Requests.Samples([1]));
        step = scheduler.NextStep();
        Assert.Equal((0, 1, true), (step.Slices[0].PromptLogitCount, step.Slices[0].LogitRowCount, step.Slices[0].SamplesToken));
    }

    [Fact]
    public void NextStep_PrefixHit_StillComputesTheLastToken()
    {
        Scheduler scheduler = Create(hasPrefixCache: true);
        GenerationRequest first = Requests.Of(1, 16, 1);
        scheduler.Add(first);
        RunStep(scheduler);
        RunStep(scheduler);
        scheduler.Add(first with { Id = new SequenceId(2) });
        scheduler.Add(first with { Id = new SequenceId(3), PromptTokens = first.PromptTokens.ToArray().Append(5).ToArray() });
        Step step = scheduler.NextStep();
        // Of 16 tokens the last is always computed, so sequence 2 reuses no full block.
        Assert.Equal("2:0+8 3:16+1*", Shape(step));
        Assert.Equal((0, 16), (step.Slices[0].Sequence.CachedTokens, step.Slices[1].Sequence.CachedTokens));
    }

    [Fact]
    public void NextStep_SamplesOfOnePrompt_ComputeItOnce()
    {
        Scheduler scheduler = Create(hasPrefixCache: true);
        GenerationRequest prompt = Requests.Of(1, 36, 2);
        for (int id = 1; id <= 3; id++)
            scheduler.Add(prompt with { Id = new SequenceId(id) });
        scheduler.Add(Requests.Of(4, 3, 2));
        // The others wait for the blocks; whoever has another prompt does not.
        Assert.Equal("1:0+8 4:0+3*", RunStep(scheduler));
        Assert.Equal("4:3+1* 1:8+8", RunStep(scheduler));
        // What is in the cache is shared, and the next block is in the making again.
        Assert.Equal("1:16+8", RunStep(scheduler));
        Assert.Equal("1:24+8", RunStep(scheduler));
        Assert.Equal("1:32+4* 2:32+4* 3:32+4*", RunStep(scheduler));
        Assert.Equal("1:36+1* 2:36+1* 3:36+1*", RunStep(scheduler));
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void NextStep_WhenTheMakerLeaves_TheNextSampleComputes()
    {
        Scheduler scheduler = Create(hasPrefixCache: true);
        GenerationRequest prompt = Requests.Of(1, 36, 2);
        scheduler.Add(prompt);
        scheduler.Add(prompt with { Id = new SequenceId(2) });
        Assert.Equal("1:0+8", RunStep(scheduler));
        scheduler.Cancel(new SequenceId(1));
        Assert.Equal("2:0+8", RunStep(scheduler));
    }

    [Fact]
    public void NextStep_WithoutPrefixCache_SamplesDoNotWait()
    {
        Scheduler scheduler = Create();
        GenerationRequest prompt = Requests.Of(1, 36, 2);
        scheduler.Add(prompt);
        scheduler.Add(prompt with { Id = new SequenceId(2) });
        Assert.Equal("1:0+8 2:0+8", RunStep(scheduler));
    }

    [Fact]
    public void EndAll_EndsWaitingAndRunningInOrder()
    {
        Scheduler scheduler = Create();
        for (int id = 1; id <= 6; id++)
            scheduler.Add(Requests.Of(id, 1, 5));
        RunStep(scheduler);
        scheduler.EndAll(FinishReason.Failed, "why");
        Assert.Equal([1, 2, 3, 4, 5, 6], scheduler.Ended.Select(sequence => sequence.Id.Value));
        Assert.False(scheduler.HasWork);
    }
}

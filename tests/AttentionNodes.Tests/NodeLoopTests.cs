using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.AttentionNodes.Tests.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests;

public sealed class NodeLoopTests(TinyModel model) : IClassFixture<TinyModel>
{
    [Fact]
    public void Turn_WithNothingToDo_SleepsUntilSomethingComes()
    {
        using var rig = new LoopRig(model);
        Pause pause = rig.Turn();
        Assert.True(pause is { Waits: true, Limit: null, IsEnd: false });
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void Steps_ThatDecode_AllocateNothingButTheirReports(float temperature)
    {
        using var rig = new LoopRig(model);
        for (int id = 1; id <= 4; id++)
            rig.Loop.Submit(Prompts.Of(id, 9, 100, temperature, content: id));
        // The first pay for what is made once.
        Decode(10);
        Assert.Equal(0, Allocations.Of(() => Decode(8), () => rig.Loop.Metrics.StepAllocatedBytes));
        Assert.Equal(rig.Loop.Metrics.Steps, rig.Loop.Metrics.DecodeRows / 4 + 1); // all of them decoded

        void Decode(int steps)
        {
            for (long end = rig.Loop.Metrics.Steps + steps; rig.Loop.Metrics.Steps < end; rig.Turn())
                Assert.Empty(rig.Ends);
        }
    }

    [Fact]
    public void Turn_WhileExpertsAreOut_WaitsAndThenGoesOn()
    {
        using var rig = new LoopRig(model);
        rig.Twin.IsReachable = false;
        rig.Loop.Submit(Prompts.Of(1, 5, 3));
        Assert.True(rig.Turn(passTime: false).Waits);
        rig.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.True(rig.Turn(passTime: false).Waits);
        rig.Twin.IsReachable = true;
        rig.RunToIdle();
        Assert.Equal(FinishReason.Length, rig.Ends[new SequenceId(1)].Reason);
    }

    [Fact]
    public void Turn_WhenExpertsStayOut_EndsEverybodyWithTheReason()
    {
        using var rig = new LoopRig(model);
        rig.Twin.IsReachable = false;
        rig.Loop.Submit(Prompts.Of(1, 5, 3));
        rig.RunToIdle();
        SequenceEnd end = rig.Ends[new SequenceId(1)];
        Assert.Equal(FinishReason.Failed, end.Reason);
        Assert.Contains("Not every expert could be reached for 30 seconds", end.Message, StringComparison.Ordinal);
        Assert.Equal(0, rig.Loop.Metrics.KvBlocksUsed);
    }

    [Fact]
    public void Turn_WhenEveryStepFails_BacksOffAndGivesUp()
    {
        using var rig = new LoopRig(model);
        rig.Twin.OnCombine = () => M2NStatus.Timeout;
        rig.Loop.Submit(Prompts.Of(1, 5, 3));
        rig.RunToIdle();
        Assert.Contains("Timeout", rig.Ends[new SequenceId(1)].Message, StringComparison.Ordinal);
        // Half a second between tries at most, and far fewer tries than a loop without pauses would make.
        Assert.InRange(rig.Loop.Metrics.Replays, 30, 100);
    }

    [Fact]
    public void Turn_AfterAnOutageThatEnded_CountsTheNextOneAnew()
    {
        using var rig = new LoopRig(model);
        rig.Twin.IsReachable = false;
        rig.Loop.Submit(Prompts.Of(1, 5, 3));
        rig.Turn(passTime: false);
        rig.Loop.Cancel(new SequenceId(1));
        rig.Turn(passTime: false);
        rig.Time.Advance(TimeSpan.FromMinutes(5));
        rig.Loop.Submit(Prompts.Of(2, 5, 3));
        rig.Turn(passTime: false);
        Assert.False(rig.Ends.ContainsKey(new SequenceId(2)));
    }

    [Fact]
    public void Turn_DeadlineDuringAnOutage_EndsTheSequenceInTime()
    {
        using var rig = new LoopRig(model);
        rig.Twin.IsReachable = false;
        rig.Loop.Submit(Prompts.Of(1, 5, 3) with { Deadline = TimeSpan.FromSeconds(2) });
        rig.Turn();
        rig.Turn();
        Assert.Equal(FinishReason.DeadlineExceeded, rig.Ends[new SequenceId(1)].Reason);
    }

    [Fact]
    public void Cancel_BetweenSteps_EndsTheSequenceAfterItsTokensSoFar()
    {
        using var rig = new LoopRig(model);
        rig.Loop.Submit(Prompts.Of(1, 5, 50));
        rig.Turn();
        rig.Turn();
        rig.Loop.Cancel(new SequenceId(1));
        rig.RunToIdle();
        Assert.Equal(FinishReason.Cancelled, rig.Ends[new SequenceId(1)].Reason);
        Assert.Equal(2, rig.Tokens[new SequenceId(1)].Count);
    }

    [Fact]
    public void Drain_FinishesWhatRunsAndTakesNothingNew()
    {
        using var rig = new LoopRig(model);
        rig.Loop.Submit(Prompts.Of(1, 5, 4));
        rig.Turn();
        rig.Loop.Drain();
        Assert.False(rig.Loop.Submit(Prompts.Of(2, 5, 4)));
        rig.RunToIdle();
        Assert.Equal(FinishReason.Length, rig.Ends[new SequenceId(1)].Reason);
        Assert.True(rig.Loop.Reports.Completion.IsCompleted);
    }

    [Fact]
    public void Stop_EndsWhatIsInProgress()
    {
        using var rig = new LoopRig(model);
        rig.Loop.Submit(Prompts.Of(1, 5, 40));
        rig.Turn();
        rig.Loop.Stop();
        Assert.True(rig.Turn().IsEnd);
        Assert.Equal(FinishReason.Cancelled, rig.Ends[new SequenceId(1)].Reason);
    }

    [Fact]
    public void Submit_WhenTheInboxIsFull_ReturnsFalse()
    {
        using var rig = new LoopRig(model, LoopRig.Options with { MaxSequences = 1, MaxWaiting = 2 });
        Assert.Equal([true, true, true, false], Enumerable.Range(1, 4).Select(id => rig.Loop.Submit(Prompts.Of(id, 5, 1))));
    }
}

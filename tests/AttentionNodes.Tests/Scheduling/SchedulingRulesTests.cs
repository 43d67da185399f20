using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Scheduling;

public sealed class SchedulingRulesTests
{
    [Theory]
    [InlineData(100, 32, 64, 32)]
    [InlineData(20, 32, 64, 20)]
    [InlineData(100, 32, 8, 8)]
    [InlineData(100, 32, 0, 0)]
    public void ChunkRows_IsTheSmallestLimit(int outstanding, int limit, int budget, int rows) =>
        Assert.Equal(rows, SchedulingRules.ChunkRows(outstanding, limit, budget));

    [Theory]
    [InlineData(4, 4, 0, true)]
    [InlineData(4, 4, 1, false)]
    [InlineData(4, 6, 2, true)]
    [InlineData(5, 4, 0, false)]
    public void CanAdmit_LeavesEachRunningSequenceABlock(int needed, int available, int running, bool can) =>
        Assert.Equal(can, SchedulingRules.CanAdmit(needed, available, running));

    [Theory]
    [InlineData(false, 1, 5, 10, 0, 100, null)]
    [InlineData(true, 1, 5, 10, 0, 100, FinishReason.Stop)]
    [InlineData(true, 1, 5, 10, 2, 100, null)]
    [InlineData(true, 2, 5, 10, 2, 100, FinishReason.Stop)]
    [InlineData(false, 10, 15, 10, 0, 100, FinishReason.Length)]
    [InlineData(true, 10, 15, 10, 0, 100, FinishReason.Stop)]
    [InlineData(false, 2, 100, 10, 0, 100, FinishReason.Length)]
    public void EndOf_Table(bool isStop, int generated, int tokens, int maxTokens, int minTokens, int context, FinishReason? end) =>
        Assert.Equal(end, SchedulingRules.EndOf(isStop, generated, tokens, Requests.Of(1, 5, maxTokens) with { MinTokens = minTokens }, context));

    [Theory]
    [InlineData(7, false, true)]
    [InlineData(7, true, false)]
    [InlineData(9, true, true)]
    [InlineData(8, false, false)]
    public void IsStopToken_KnowsEosAndOwnTokens(int token, bool ignoreEos, bool isStop) =>
        Assert.Equal(isStop, SchedulingRules.IsStopToken(token, Requests.Of(1, 5, 5) with { IgnoreEos = ignoreEos, StopTokenIds = [9] }, [7]));

    [Theory]
    [InlineData(31, 1, 0, null)]
    [InlineData(32, 1, 0, "context holds 32")]
    [InlineData(32, 0, 0, null)]
    [InlineData(0, 1, 0, "no tokens")]
    [InlineData(20, 1, 3, "queue is full")]
    public void RefusalOf_NamesTheReason(int prompt, int maxTokens, int waiting, string? part)
    {
        string? refusal = SchedulingRules.RefusalOf(Requests.Of(1, prompt, maxTokens), prompt, Requests.Limits with { MaxWaiting = 3 }, 1000, waiting);
        if (part is null)
            Assert.Null(refusal);
        else
            Assert.Contains(part, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusalOf_APromptBeyondTheKvCache_SaysSo() =>
        Assert.Contains("KV cache holds 16", SchedulingRules.RefusalOf(Requests.Of(1, 20, 1), 20, Requests.Limits, 16, 0), StringComparison.Ordinal);
}

internal static class Requests
{
    public static readonly SchedulerLimits Limits = new()
    {
        MaxStepRows = 16,
        MaxChunkRows = 8,
        MaxSequences = 4,
        MaxLogitRows = 4,
        MaxWaiting = 100,
        ContextLength = 32,
        EosTokenIds = [7],
    };

    public static GenerationRequest Of(long id, int promptTokens, int maxTokens) => new()
    {
        Id = new SequenceId(id),
        PromptTokens = Enumerable.Range(100, promptTokens).Select(i => i + (int)(id * 1000)).ToArray(),
        Sampling = new SamplingParameters { Seed = 1 },
        MaxTokens = maxTokens,
    };
}

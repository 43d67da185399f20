using MegaInfer.AttentionNodes.Scheduling;
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
    [InlineData(false, 1, 5, 10, null)]
    [InlineData(true, 1, 5, 10, FinishReason.Stop)]
    [InlineData(false, 10, 15, 10, FinishReason.Length)]
    [InlineData(true, 10, 15, 10, FinishReason.Stop)]
    [InlineData(false, 2, 100, 10, FinishReason.Length)]
    public void EndOf_Table(bool isStop, int generated, int tokens, int maxTokens, FinishReason? end) =>
        Assert.Equal(end, SchedulingRules.EndOf(isStop, generated, maxTokens, tokens, contextLength: 100));

    [Theory]
    [InlineData(16, 2, null)]
    [InlineData(17, 2, "KV cache holds 16")]
    [InlineData(16, 3, "queue is full")]
    public void RefusalOf_NamesTheReason(int tokens, int waiting, string? part)
    {
        string? refusal = SchedulingRules.RefusalOf(tokens, kvTokenCapacity: 16, waiting, maxWaiting: 3);
        Assert.Equal(part is not null, refusal is not null);
        Assert.Contains(part ?? "", refusal ?? "", StringComparison.Ordinal);
    }
}

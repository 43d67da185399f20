using MegaInfer.Engine;
using MegaInfer.Server.Routing;
using Xunit;

namespace MegaInfer.Server.Tests.Routing;

public sealed class AttentionNodePolicyTests : IDisposable
{
    private readonly AttentionLink[] _links = [new(new NodeId(1), 4), new(new NodeId(2), 4), new(new NodeId(3), 0)];

    public void Dispose() => Array.ForEach(_links, link => link.Dispose());

    [Theory]
    [InlineData(0, 0, null, 10, 1)]
    [InlineData(5, 4, null, 10, 2)]
    [InlineData(256, 0, 1, 10, 1)]
    [InlineData(257, 0, 1, 10, 2)]
    [InlineData(400, 0, 1, 400, 1)]
    [InlineData(0, 9, 3, 10, 1)]
    [InlineData(0, 9, 77, 10, 1)]
    public void Choose_WeighsPrefixAgainstWork(long first, long second, int? preferred, int promptTokens, int expected)
    {
        _links[0].OutstandingTokens = first;
        _links[1].OutstandingTokens = second;
        NodeId? prefix = preferred is { } id ? new NodeId(id) : null;
        Assert.Equal(expected, AttentionNodePolicy.Choose(_links, prefix, promptTokens)!.NodeId.Value);
    }

    [Fact]
    public void Choose_NoRoom_IsNull() => Assert.Null(AttentionNodePolicy.Choose([_links[2]], null, 1));

    [Fact]
    public void Affinity_FindsTheLongestKnownPrefix_AndForgets()
    {
        var affinity = new PrefixAffinity();
        int[] prompt = [.. Enumerable.Range(0, 64)];
        Assert.Null(affinity.Find(prompt));
        affinity.Remember(prompt.AsSpan(0, 20), new NodeId(1));
        affinity.Remember(prompt, new NodeId(2));
        Assert.Equal(new NodeId(2), affinity.Find([.. prompt, 5]));
        affinity.Remember(prompt.AsSpan(0, 20), new NodeId(1));
        Assert.Equal(new NodeId(1), affinity.Find([.. prompt[..16], 99]));
        Assert.Equal(new NodeId(2), affinity.Find(prompt));
        Assert.Null(affinity.Find(prompt.AsSpan(0, 15)));
        for (int i = 0; i < 20_000; i++)
            affinity.Remember([i, .. prompt[..15]], new NodeId(3));
        Assert.Null(affinity.Find(prompt));
    }
}

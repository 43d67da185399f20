using CsCheck;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Cluster;
using Xunit;

namespace MegaInfer.Server.Tests.Cluster;

/// <summary>The rules of membership as pure functions, under random lives.</summary>
public sealed class MembershipTests
{
    private static readonly ModelSpec Model = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 8,
        Layers = LayerSpec.Alike(1),
        VocabularySize = 16,
        ContextLength = 16,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = false,
        Attention = new GroupedAttentionSpec(1, 1, 8) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(1e4f, 8),
        Router = new RouterSpec(8, 2, IsNormalized: true),
        Experts = new ExpertSpec(8),
        EosTokenIds = [],
    };

    // What happens: the kind of event, whom it concerns, as what.
    private static readonly Gen<(int Kind, int Pick, int Child)[]> Lives = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 9], Gen.Int[-1, 3]).Array[1, 60];

    [Fact]
    public void AnyLife_KeepsTheRules() => Gen.Select(Lives, Gen.Int[1, 4]).Sample((life, shares) =>
    {
        ClusterSpec spec = SpecOf(shares);
        var membership = new Membership(spec);
        var seen = new HashSet<int>();
        foreach ((int kind, int pick, int child) in life)
        {
            Membership next = Apply(membership, kind, pick, child, seen);
            CheckRules(next, spec);
            CheckEpoch(membership, next);
            membership = next;
        }
    });

    [Fact]
    public void Join_FullPool_IsRefused()
    {
        ClusterSpec spec = SpecOf(1);
        var membership = new Membership(spec);
        for (int i = 0; i < spec.MaxPeers; i++)
            membership = membership.Join(new JoinRequest(NodeRole.Attention, "h", 1, -1)).Next;
        (Membership next, ClusterNode? node, string? refusal) = membership.Join(new JoinRequest(NodeRole.Attention, "h", 1, -1));
        Assert.Same(membership, next);
        Assert.Null(node);
        Assert.Contains($"{spec.MaxPeers}", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void NumericsId_OutlivesItsNodes()
    {
        var membership = new Membership(SpecOf(1));
        (membership, ClusterNode? first, _) = membership.Join(new JoinRequest(NodeRole.Expert, "h", 1, -1));
        (membership, _) = membership.MarkReady(first!.Id, Report("a"), "digest");
        membership = membership.Leave(first.Id);
        (membership, ClusterNode? second, _) = membership.Join(new JoinRequest(NodeRole.Expert, "h", 1, -1));
        Assert.Contains("numerics a", membership.MarkReady(second!.Id, Report("b"), "digest").Refusal, StringComparison.Ordinal);
        Assert.Null(membership.MarkReady(second.Id, Report("a"), "digest").Refusal);
    }

    private static Membership Apply(Membership membership, int kind, int pick, int child, HashSet<int> seen)
    {
        if (kind <= 1)
        {
            (Membership next, ClusterNode? node, string? refusal) = membership.Join(new JoinRequest(kind == 0 ? NodeRole.Attention : NodeRole.Expert, "h", 1, child));
            Assert.True(node is not null ^ refusal is not null);
            Assert.True(node is null || seen.Add(node.Id.Value), "an id came twice");
            return next;
        }

        if (membership.Nodes.IsEmpty)
            return membership;
        NodeId id = membership.Nodes.Values.ElementAt(pick % membership.Nodes.Count).Id;
        return kind == 2 ? membership.MarkReady(id, Report("numerics"), "digest").Next : membership.Leave(id);
    }

    private static void CheckRules(Membership membership, ClusterSpec spec)
    {
        foreach (NodeRole role in Enum.GetValues<NodeRole>())
        {
            int[] ranks = [.. membership.OfRole(role).Select(node => node.Rank.Value)];
            Assert.Equal(ranks.Length, ranks.Distinct().Count());
            Assert.All(ranks, rank => Assert.InRange(rank, 0, spec.MaxPeers - 1));
            int[] children = [.. membership.OfRole(role).Select(node => node.ChildIndex).Where(index => index >= 0)];
            Assert.Equal(children.Length, children.Distinct().Count());
        }

        Assert.All(membership.OfRole(NodeRole.Expert), node => Assert.Equal(node.Experts, Engine.Moe.ExpertPlacement.Share(spec.ExpertCount, node.Share, spec.ExpertNodes)));
        bool isWhole = membership.ReadyExperts.Select(node => node.Share).Distinct().Count() == spec.ExpertNodes;
        Assert.Equal(isWhole, membership.Placement().IsComplete);
    }

    private static void CheckEpoch(Membership before, Membership after)
    {
        bool isSame = before.ReadyExperts.Select(node => node.Id).SequenceEqual(after.ReadyExperts.Select(node => node.Id));
        Assert.Equal(isSame, before.Epoch == after.Epoch);
        Assert.True(after.Epoch >= before.Epoch);
    }

    private static ReadyReport Report(string numerics) => new("digest", numerics, "fake", default, 1, 1);

    private static ClusterSpec SpecOf(int expertNodes) => new()
    {
        ModelFolder = "/model",
        ExpertCount = 8,
        VocabularySize = 16,
        ContextLength = 16,
        AttentionNodes = 1,
        ExpertNodes = expertNodes,
        WeightType = "auto",
        KvType = "bf16",
        Shape = new PipelineShape(Model, 16, NumberType.BFloat16),
        MaxPeers = 6,
        M2NSecret = new byte[16],
        MicroBatches = 0,
        MaxChunkRows = 8,
        MaxSequences = 4,
    };
}

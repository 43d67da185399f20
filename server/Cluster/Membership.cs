using System.Collections.Immutable;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Moe;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// Who is in the cluster, at one moment. Immutable: each change is a new value, made by a pure function, so that the rules can be tested without a network.
/// The epoch grows with every change of what attention nodes must know: an expert node that became ready or left.
/// </summary>
internal sealed record Membership
{
    private readonly ClusterSpec _spec;

    public Membership(ClusterSpec spec) => _spec = spec;

    public long Epoch { get; private init; }

    /// <summary>By id, ascending.</summary>
    public ImmutableSortedDictionary<int, ClusterNode> Nodes { get; private init; } = ImmutableSortedDictionary<int, ClusterNode>.Empty;

    /// <summary>The numerics id of each pool, from its first ready node on, for the whole run: sequences in progress rely on it.</summary>
    public ImmutableDictionary<NodeRole, string> NumericsIds { get; private init; } = ImmutableDictionary<NodeRole, string>.Empty;

    private int NextId { get; init; } = 1;

    public IEnumerable<ClusterNode> OfRole(NodeRole role) => Nodes.Values.Where(node => node.Role == role);

    public IEnumerable<ClusterNode> ReadyExperts => OfRole(NodeRole.Expert).Where(node => node.IsReady);

    public ClusterNode? Find(NodeId id) => Nodes.GetValueOrDefault(id.Value);

    /// <summary>The placement that attention nodes route by: ready expert nodes only.</summary>
    public ExpertPlacement Placement() => ExpertPlacement.FromHoldings(
        Epoch, _spec.ExpertCount, ReadyExperts.Select(node => KeyValuePair.Create(node.Rank, node.Experts)));

    /// <summary>Takes a node in: the lowest free rank, and for an expert node its share. A child replaces a predecessor that still seems to be there.</summary>
    /// <returns>The next membership and the new node, or a refusal in one sentence.</returns>
    public (Membership Next, ClusterNode? Node, string? Refusal) Join(JoinRequest request)
    {
        Membership current = this;
        foreach (ClusterNode predecessor in OfRole(request.Role).Where(node => request.ChildIndex >= 0 && node.ChildIndex == request.ChildIndex))
            current = current.Leave(predecessor.Id);

        var ranks = current.OfRole(request.Role).Select(node => node.Rank.Value).ToHashSet();
        int rank = Enumerable.Range(0, _spec.MaxPeers).FirstOrDefault(value => !ranks.Contains(value), -1);
        if (rank < 0)
            return (this, null, $"The pool already has {_spec.MaxPeers} {NameOf(request.Role)} nodes, as many as its M2N endpoints were made for; restart the server with a larger pool.");

        var node = new ClusterNode
        {
            Id = new NodeId(current.NextId),
            Role = request.Role,
            Rank = new Rank(rank),
            Host = request.Host,
            Pid = request.Pid,
            ChildIndex = request.ChildIndex,
            Address = request.Address,
        };
        if (request.Role == NodeRole.Expert)
        {
            int share = SharePolicy.Choose(_spec.ExpertNodes, current.OfRole(NodeRole.Expert).Select(other => other.Share), request.ChildIndex);
            node = node with { Share = share, Experts = ExpertPlacement.Share(_spec.ExpertCount, share, _spec.ExpertNodes) };
        }

        return (current with { Nodes = current.Nodes.Add(node.Id.Value, node), NextId = current.NextId + 1 }, node, null);
    }

    /// <summary>Marks a node ready, if it computes the same model with the same bits as its pool.</summary>
    /// <returns>The next membership, or a refusal in one sentence; a node that is not there any more is refused too.</returns>
    public (Membership Next, string? Refusal) MarkReady(NodeId id, ReadyReport report, string modelDigest)
    {
        if (Find(id) is not { } node)
            return (this, $"{id} is not a member any more; join again.");
        if (node.IsReady)
            return (this, $"{node} said Ready twice.");
        if (report.ModelDigest != modelDigest)
            return (this, $"The checkpoint of {node} on {node.Host} has digest {report.ModelDigest}, the server's has {modelDigest}; give the node the same files with --model.");
        string numerics = NumericsIds.GetValueOrDefault(node.Role, report.NumericsId);
        if (report.NumericsId != numerics && !_spec.AllowMixedNumerics)
            return (this, $"The {NameOf(node.Role)} pool computes with numerics {numerics}, {node} on {node.Host} with {report.NumericsId}; use the same kernels, or start the server with --allow-mixed-numerics.");
        return (this with
        {
            Epoch = node.Role == NodeRole.Expert ? Epoch + 1 : Epoch,
            Nodes = Nodes.SetItem(id.Value, node with { Ready = report }),
            NumericsIds = NumericsIds.ContainsKey(node.Role) ? NumericsIds : NumericsIds.Add(node.Role, report.NumericsId),
        }, null);
    }

    /// <summary>Takes a node out; nothing happens if it is not there.</summary>
    public Membership Leave(NodeId id) => Find(id) is not { } node ? this : this with
    {
        Epoch = node is { Role: NodeRole.Expert, IsReady: true } ? Epoch + 1 : Epoch,
        Nodes = Nodes.Remove(id.Value),
    };

    private static string NameOf(NodeRole role) => role == NodeRole.Attention ? "attention" : "expert";
}

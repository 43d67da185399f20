using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.ExpertNodes;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Cluster;

/// <summary>One expert node of a local cluster with all that it owns.</summary>
internal sealed class LocalExpertNode : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private readonly ExpertNode _node;

    internal LocalExpertNode(NodeId id, Rank rank, IReadOnlyList<ExpertId> experts, LocalParts parts)
    {
        try
        {
            KernelContext context = Own(parts.Context(NodeRole.Expert));
            var held = new LocalExperts(parts.Checkpoint.Spec.Router.ExpertCount, experts);
            ExpertWeights weights = Own(ExpertWeights.Load(
                parts.Checkpoint, held, context, new ExpertWeightsOptions(parts.WeightType, LocalParts.Version)));
            M2NEndpoint endpoint = Own(parts.Endpoint(M2NRole.Receiver, rank, context));
            _node = Own(new ExpertNode($"expert node {rank.Value}", weights, context, endpoint, parts.ExpertOptions));
            Member = new ExpertMember(id, rank, endpoint.Address, held.Held);
            _node.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>As snapshots show it.</summary>
    internal ExpertMember Member { get; }

    internal ExpertNodeMetrics Metrics => _node.Metrics;

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
            owned.Dispose();
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Push(part);
        return part;
    }
}

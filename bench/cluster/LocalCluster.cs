using MegaInfer.AttentionNodes.Metrics;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.ExpertNodes.Pipeline;

namespace MegaInfer.Bench.Cluster;

/// <summary>
/// A whole cluster as threads of one process: the production loops of both kinds of node over a real transport, with this object in the place of the server and
/// its control plane. For tests and benchmarks. Membership changes and disposal belong to one thread; requests may come from any.
/// </summary>
public sealed class LocalCluster : IAsyncDisposable
{
    private readonly LocalClusterOptions _options;
    private readonly Checkpoint _checkpoint;
    private readonly LocalParts _parts;
    private readonly List<LocalAttentionNode> _attentionNodes = [];
    private readonly List<LocalExpertNode?> _expertNodes = [];
    private int _nextNodeId;
    private long _epoch;

    private LocalCluster(LocalClusterOptions options, Checkpoint checkpoint)
    {
        _options = options;
        _checkpoint = checkpoint;
        _parts = new LocalParts(options, checkpoint);
    }

    public ModelSpec Spec => _checkpoint.Spec;

    /// <summary>Sizes that follow from model and options.</summary>
    public PipelineShape Shape => _parts.Shape;

    /// <summary>Types of the packed weights.</summary>
    public LocalWeightTypes WeightTypes => _parts.WeightTypes;

    /// <summary>What the kernels of the first attention node call themselves.</summary>
    public string Backend => _attentionNodes[0].Backend;

    /// <summary>What decides its bits; names the device where that is a GPU.</summary>
    public string Numerics => _attentionNodes[0].Numerics;

    public int AttentionNodeCount => _attentionNodes.Count;

    /// <summary>Expert ranks so far, those of killed nodes included.</summary>
    public int ExpertRankCount => _expertNodes.Count;

    /// <summary>Loads all nodes and starts them.</summary>
    /// <exception cref="MegaInferException">A model that cannot be used, or a machine that lacks what is asked for.</exception>
    public static LocalCluster Start(LocalClusterOptions options)
    {
        var cluster = new LocalCluster(options, Checkpoint.Open(options.ModelFolder));
        try
        {
            IReadOnlyList<IReadOnlyList<ExpertId>> placement = options.Placement
                ?? [.. Enumerable.Range(0, options.ExpertNodes).Select(share => ExpertPlacement(cluster.Spec, share, options.ExpertNodes))];
            foreach (IReadOnlyList<ExpertId> experts in placement)
                cluster._expertNodes.Add(new LocalExpertNode(cluster.NextNode(), new Rank(cluster._expertNodes.Count), experts, cluster._parts));
            for (int rank = 0; rank < options.AttentionNodes; rank++)
                cluster._attentionNodes.Add(new LocalAttentionNode(new Rank(rank), cluster._parts));
            cluster.Announce();
            return cluster;
        }
        catch
        {
            cluster.Close();
            throw;
        }
    }

    /// <summary>Hands a request to an attention node. Its id must not be in use there.</summary>
    public LocalSequence Submit(GenerationRequest request, int attentionNode = 0) => _attentionNodes[attentionNode].Submit(request);

    /// <summary>Ends a sequence before the next step, as a client that leaves would.</summary>
    public void Cancel(SequenceId id, int attentionNode = 0) => _attentionNodes[attentionNode].Cancel(id);

    public AttentionNodeMetrics AttentionMetrics(int attentionNode = 0) => _attentionNodes[attentionNode].Metrics;

    /// <summary>Metrics of an expert rank that lives.</summary>
    public ExpertNodeMetrics ExpertMetrics(int rank = 0) =>
        _expertNodes[rank]?.Metrics ?? throw new InvalidOperationException($"Expert rank {rank} was killed.");

    /// <summary>
    /// The expert node of this rank stops in the middle of whatever it does and answers nobody any more. Where
    /// <paramref name="isNoticed"/>, attention nodes are told as by a server that saw it die; otherwise they find out by themselves.
    /// </summary>
    public void KillExpert(int rank, bool isNoticed = true)
    {
        _expertNodes[rank]?.Dispose();
        _expertNodes[rank] = null;
        if (isNoticed)
            Announce();
    }

    /// <summary>Starts an expert node and tells the attention nodes; its rank.</summary>
    /// <param name="experts">What it holds; null: every expert that no living node holds.</param>
    /// <param name="rank">The rank of a killed node, as a restarted child takes its predecessor's; null: a new one.</param>
    public int AddExpert(IReadOnlyList<ExpertId>? experts = null, int? rank = null)
    {
        int place = rank ?? _expertNodes.Count;
        if (place < _expertNodes.Count && _expertNodes[place] is not null)
            throw new InvalidOperationException($"Expert rank {place} is alive.");
        if (place == _expertNodes.Count)
            _expertNodes.Add(null);
        _expertNodes[place] = new LocalExpertNode(NextNode(), new Rank(place), experts ?? Orphans(), _parts);
        Announce();
        return place;
    }

    public async ValueTask DisposeAsync()
    {
        Close();
        foreach (LocalAttentionNode node in _attentionNodes)
            await node.Reading;
    }

    private static IReadOnlyList<ExpertId> ExpertPlacement(ModelSpec spec, int share, int shareCount) =>
        Engine.Moe.ExpertPlacement.Share(spec.Router.ExpertCount, share, shareCount);

    private NodeId NextNode() => new(_nextNodeId++);

    private IReadOnlyList<ExpertId> Orphans()
    {
        HashSet<ExpertId> held = [.. _expertNodes.OfType<LocalExpertNode>().SelectMany(node => node.Member.Experts)];
        return [.. Enumerable.Range(0, Spec.Router.ExpertCount).Select(value => new ExpertId(value)).Where(expert => !held.Contains(expert))];
    }

    private void Announce()
    {
        var snapshot = new ClusterSnapshot(++_epoch, [.. _expertNodes.OfType<LocalExpertNode>().Select(node => node.Member)]);
        foreach (LocalAttentionNode node in _attentionNodes)
            node.Apply(snapshot);
    }

    // Senders first: nobody is then waited for.
    private void Close()
    {
        foreach (LocalAttentionNode node in _attentionNodes)
            node.Dispose();
        foreach (LocalExpertNode? node in _expertNodes)
            node?.Dispose();
        _checkpoint.Dispose();
    }
}

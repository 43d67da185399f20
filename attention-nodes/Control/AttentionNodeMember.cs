using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>
/// An attention node as a member of the cluster: loads the attention side of the model, connects to the expert nodes of each snapshot, and works off the server's orders
/// until it has left. Nothing is kept from one membership to the next, since the server may ask for other sizes.
/// </summary>
public sealed class AttentionNodeMember(NodeOptions options) : INode
{
    private KernelContext? _context;
    private AttentionWeights? _weights;
    private M2NEndpoint? _endpoint;
    private volatile AttentionNode? _node;

    public NodeRole Role => NodeRole.Attention;

    public Task<Ready> LoadAsync(Welcome welcome, CancellationToken cancel)
    {
        Close();
        using Checkpoint checkpoint = Checkpoint.Open(options.ModelFolder ?? welcome.ModelFolder);
        NumberType? weightType = NumericsId.WeightType(welcome.WeightType);
        _context = KernelContext.Create(new KernelContextOptions
        {
            Backend = KernelBackendNames.Parse(options.Backend),
            ThreadCount = options.Threads ?? welcome.Threads,
            Cores = options.Cores,
        });
        PackedCache? cache = welcome.NoWeightCache ? null : PackedCache.OfUser(checkpoint);
        _weights = AttentionWeights.Load(checkpoint, _context, weightType, new WeightVersion(welcome.WeightVersion), cache, cancel);
        _endpoint = M2NEndpoint.Open(RowRoute.Endpoint(welcome, M2NRole.Sender, options.M2NInterface, _context));
        AttentionNodeOptions nodeOptions = WelcomeReader.Options(welcome, checkpoint.Spec, AvailableMemory.Bytes() - (cache?.MappedBytes ?? 0));
        var node = new AttentionNode($"attention node {welcome.Rank}", _weights, _context, _endpoint, nodeOptions, TimeProvider.System);
        _node = node;
        return Task.FromResult(new Ready
        {
            ModelDigest = ModelDigest.Of(checkpoint),
            NumericsId = NumericsId.Of(_context.Numerics, _weights.Types, nodeOptions.KvType),
            Backend = _context.Backend,
            WeightBytes = _weights.Bytes,
            KvTokenCapacity = node.KvTokenCapacity,
        });
    }

    public async Task ServeAsync(ServerLink server, CancellationToken cancel)
    {
        AttentionNode node = _node ?? throw new InvalidOperationException("ServeAsync comes after LoadAsync.");
        node.Start();
        _weights!.StartSettling();
        using CancellationTokenRegistration stopping = cancel.Register(node.Stop);
        using var stream = new WorkStream(node, server, _weights!.Spec.VocabularySize);
        Task working = stream.RunAsync(TimeProvider.System, cancel);
        // A loop that failed ends the reports, and so the stream; its own reason is the one to tell.
        if (await Task.WhenAny(node.Completion, working) == node.Completion)
            await node.Completion;
        await working;
        await node.Completion;
    }

    public void Apply(Snapshot snapshot) => _node?.Apply(OrderReader.Snapshot(snapshot));

    public void Drain() => _node?.Drain();

    public void ReadMetrics(IDictionary<string, double> metrics)
    {
        _node?.Metrics.CopyTo(metrics);
        metrics["megainfer_weights_unsettled_bytes"] = _weights?.UnsettledBytes ?? 0;
    }

    public void ReadPairs(IDictionary<uint, string> pairs)
    {
        foreach ((Rank rank, M2NTransport transport) in _endpoint?.Pairs ?? new Dictionary<Rank, M2NTransport>())
            pairs[(uint)rank.Value] = transport.ToString().ToLowerInvariant();
    }

    public void Dispose() => Close();

    // The order of start-up, reversed.
    private void Close()
    {
        _node?.Dispose();
        _node = null;
        _endpoint?.Dispose();
        _endpoint = null;
        _weights?.Dispose();
        _weights = null;
        _context?.Dispose();
        _context = null;
    }
}

using Google.Protobuf;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.ExpertNodes.Control;

/// <summary>
/// An expert node as a member of the cluster: loads the experts that the server assigns, opens an endpoint for the attention nodes, and computes until it
/// has left. Nothing is kept from one membership to the next, since the server may assign other experts.
/// </summary>
public sealed class ExpertNodeMember(NodeOptions options) : INode
{
    private static readonly TimeSpan QuietBeforeLeaving = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan QuietCheck = TimeSpan.FromMilliseconds(50);

    private readonly TaskCompletionSource _draining = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private KernelContext? _context;
    private ExpertWeights? _weights;
    private M2NEndpoint? _endpoint;
    private volatile ExpertNode? _node;

    public NodeRole Role => NodeRole.Expert;

    public Task<Ready> LoadAsync(Welcome welcome, CancellationToken cancel)
    {
        Close();
        using Checkpoint checkpoint = Checkpoint.Open(options.ModelFolder ?? welcome.ModelFolder);
        NumberType? weightType = NumericsId.WeightType(welcome.WeightType);
        var experts = new LocalExperts(checkpoint.Spec.Router.ExpertCount, WelcomeReader.Experts(welcome));
        _context = KernelContext.Create(new KernelContextOptions
        {
            Backend = KernelBackendNames.Parse(options.Backend),
            ThreadCount = options.Threads ?? welcome.Threads,
            Cores = options.Cores,
        });
        var weightOptions = new ExpertWeightsOptions(weightType, new WeightVersion(welcome.WeightVersion));
        PackedCache? cache = welcome.NoWeightCache ? null : PackedCache.OfUser(checkpoint);
        _weights = ExpertWeights.Load(checkpoint, experts, _context, weightOptions, cache, cancel);
        _endpoint = M2NEndpoint.Open(RowRoute.Endpoint(welcome, M2NRole.Receiver, options.M2NInterface, _context));
        var nodeOptions = new ExpertNodeOptions(WelcomeReader.Sizes(welcome), WelcomeReader.Gather(welcome));
        _node = new ExpertNode($"expert node {welcome.Rank}", _weights, _context, _endpoint, nodeOptions);
        return Task.FromResult(new Ready
        {
            ModelDigest = ModelDigest.Of(checkpoint),
            NumericsId = NumericsId.Of(_context.Numerics, _weights.Types, NumericsId.KvType(welcome.KvType)),
            M2NAddress = ByteString.CopyFrom(_endpoint.Address),
            Backend = _context.Backend,
            WeightBytes = _weights.Bytes,
        });
    }

    public async Task ServeAsync(ServerLink server, CancellationToken cancel)
    {
        ExpertNode node = _node ?? throw new InvalidOperationException("ServeAsync comes after LoadAsync.");
        node.Start();
        _weights!.StartSettling();
        using CancellationTokenRegistration stopping = cancel.Register(node.Stop);
        if (await Task.WhenAny(node.Completion, _draining.Task) == _draining.Task)
        {
            await server.LeaveAsync();
            await WaitUntilQuietAsync(node, cancel);
            node.Stop();
        }

        await node.Completion;
    }

    /// <summary>Expert nodes do not need to know each other.</summary>
    public void Apply(Snapshot snapshot)
    {
    }

    public void Drain() => _draining.TrySetResult();

    public void ReadMetrics(IDictionary<string, double> metrics)
    {
        _node?.Metrics.CopyTo(metrics);
        metrics["megainfer_weights_unsettled_bytes"] = _weights?.UnsettledBytes ?? 0;
    }

    public void Dispose() => Close();

    /// <summary>Attention nodes have heard that this one leaves; what they sent before that is still computed.</summary>
    private static async Task WaitUntilQuietAsync(ExpertNode node, CancellationToken cancel)
    {
        TimeSpan quiet = TimeSpan.Zero;
        long seen = node.Metrics.Batches;
        while (quiet < QuietBeforeLeaving && !cancel.IsCancellationRequested)
        {
            await Task.Delay(QuietCheck, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long batches = node.Metrics.Batches;
            quiet = batches == seen ? quiet + QuietCheck : TimeSpan.Zero;
            seen = batches;
        }
    }

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

using System.Threading.Channels;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Metrics;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes;

/// <summary>
/// An attention node without its control plane: one named thread that owns scheduler, KV cache, micro-batches and endpoint, and the thread-safe door to it. Owns
/// neither weights, context nor endpoint; dispose the node before them. While it runs, context and endpoint belong to its thread.
/// </summary>
/// <remarks>Every submitted sequence is reported to its end exactly once in <see cref="Reports"/>, unless the loop fails, which <see cref="Completion"/> tells.</remarks>
public sealed class AttentionNode : IDisposable
{
    private readonly KernelContext _context;
    private readonly NodeLoop _loop;
    private readonly NodeMemory _memory;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isStarted;

    /// <param name="name">Of the thread.</param>
    /// <param name="weights">The attention side of every layer.</param>
    /// <param name="context">Computes; the node's thread is one of its threads.</param>
    /// <param name="endpoint">A sender.</param>
    /// <param name="options">Sizes and policies.</param>
    /// <param name="time">The clock of deadlines and pauses.</param>
    public AttentionNode(
        string name, AttentionWeights weights, KernelContext context, M2NEndpoint endpoint, AttentionNodeOptions options, TimeProvider time)
        : this(
            name, weights, context, new NodeMemory(weights, context, options, stagesRows: context.IsDevice && !endpoint.HasRowMemory),
            options, memory => Link(weights, context, endpoint, options, memory, time), time)
    {
    }

    internal AttentionNode(
        string name, AttentionWeights weights, KernelContext context, NodeMemory memory, AttentionNodeOptions options, Func<NodeMemory, IExpertLink> link, TimeProvider time)
    {
        _context = context;
        _memory = memory;
        _loop = new NodeLoop(weights, _memory, link(_memory), options, time);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>What steps bring, in order. Must be read: a full channel (1,024 reports) stops the loop. Completes when the loop ends.</summary>
    public ChannelReader<StepReport> Reports => _loop.Reports;

    /// <summary>Ends when the loop has stopped or drained; faults if it failed.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Any thread may read them.</summary>
    public AttentionNodeMetrics Metrics => _loop.Metrics;

    /// <summary>Tokens of KV that fit.</summary>
    public long KvTokenCapacity => (long)_memory.Kv.BlockCount * BlockPool.BlockTokens;

    public void Start()
    {
        _isStarted = true;
        _thread.Start();
    }

    /// <summary>Queues a sequence; a request that cannot be served ends with <see cref="FinishReason.Failed"/> and a reason. Any thread.</summary>
    /// <returns>False when even the queue before the scheduler is full, or the node drains or has stopped: the sequence is not on this node.</returns>
    public bool Submit(GenerationRequest request) => _loop.Submit(request);

    /// <summary>The sequence ends before the next step, unless it has ended already. Any thread.</summary>
    public void Cancel(SequenceId id) => _loop.Cancel(id);

    /// <summary>The expert pool changed. Older epochs are ignored. Any thread.</summary>
    public void Apply(ClusterSnapshot snapshot) => _loop.Apply(snapshot);

    /// <summary>Finish what is here, take nothing new, then end. Returns at once; any thread.</summary>
    public void Drain() => _loop.Drain();

    /// <summary>The node takes nothing new, because it was told to drain.</summary>
    public bool IsDraining => _loop.IsDraining;

    /// <summary>End after the step that runs; what is in progress ends as cancelled. Returns at once; any thread.</summary>
    public void Stop() => _loop.Stop();

    /// <summary>Stops and joins the thread.</summary>
    public void Dispose()
    {
        if (_isStarted)
        {
            Stop();
            _thread.Join();
        }

        _memory.Dispose();
    }

    private static ExpertLink Link(
        AttentionWeights weights, KernelContext context, M2NEndpoint endpoint, AttentionNodeOptions options, NodeMemory memory, TimeProvider time)
    {
        var linkOptions = new ExpertLinkOptions
        {
            ExpertCount = weights.Spec.Router.ExpertCount,
            TopK = weights.Spec.Router.ExpertsPerToken,
            ResultBytes = memory.Shape.ResultBytes,
            Rank = options.Rank,
            Version = weights.Version,
            DispatchDeadline = options.DispatchDeadline,
        };
        return new ExpertLink(endpoint, context, memory.Step, linkOptions, memory.Clock, time);
    }

    // The thread's outermost frame: the one place on it that catches everything.
    private void Run()
    {
        try
        {
            _context.PinCallingThread();
            _loop.Run();
            _completion.SetResult();
        }
        catch (Exception error)
        {
            _loop.Close(error);
            _completion.SetException(error);
        }
    }
}

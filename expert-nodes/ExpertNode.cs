using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes;

/// <summary>
/// An expert node without its control plane: one named thread that computes what arrives at an endpoint with the weights it was given. Owns neither
/// of the three; dispose the node before them. While it runs, context and endpoint belong to its thread.
/// </summary>
public sealed class ExpertNode : IDisposable
{
    private readonly KernelContext _context;
    private readonly PairTable _pairs;
    private readonly PieceStage? _stage;
    private readonly ExpertPipeline _pipeline;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isStarted;

    /// <param name="name">Of the thread.</param>
    /// <param name="weights">The held experts of every layer.</param>
    /// <param name="context">Computes; the node's thread is one of its threads.</param>
    /// <param name="endpoint">A receiver.</param>
    /// <param name="options">Sizes and policy.</param>
    public ExpertNode(string name, ExpertWeights weights, KernelContext context, M2NEndpoint endpoint, ExpertNodeOptions options)
    {
        _context = context;
        _pairs = new PairTable(context, weights.Experts, options.Sizes.MaxBatchPairs, options.Sizes.RowBytes, options.Sizes.ResultBytes);
        _stage = context.IsDevice && !endpoint.HasRowMemory ? new PieceStage(context, options.Sizes) : null;
        _pipeline = new ExpertPipeline(endpoint, weights, _pairs, _stage, options.Gather, options.Sizes);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>Ends when the loop has stopped; faults if it failed, and then the node answers nobody any more.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Any thread may read them.</summary>
    public ExpertNodeMetrics Metrics => _pipeline.Metrics;

    public void Start()
    {
        _isStarted = true;
        _thread.Start();
    }

    /// <summary>Lets the loop end after the batch it is at. Returns at once; any thread.</summary>
    public void Stop() => _pipeline.Stop();

    /// <summary>Stops and joins the thread.</summary>
    public void Dispose()
    {
        if (_isStarted)
        {
            Stop();
            _thread.Join();
        }

        _pairs.Dispose();
        _stage?.Dispose();
    }

    // The thread's outermost frame: the one place on it that catches everything.
    private void Run()
    {
        try
        {
            _context.PinCallingThread();
            _pipeline.Run();
            _completion.SetResult();
        }
        catch (Exception error)
        {
            _completion.SetException(error);
        }
    }
}

using System.Threading.Channels;
using MegaInfer.Engine;
using MegaInfer.Proto;

namespace MegaInfer.Server.Routing;

/// <summary>
/// One attention node as the router sees it: the sequences it works on and the orders on their way to it. The router's lock guards everything but the
/// orders' reader and <see cref="Closed"/>.
/// </summary>
internal sealed class AttentionLink(NodeId nodeId, int capacity) : IDisposable
{
    private readonly CancellationTokenSource _closed = new();

    // A start and a cancel for each sequence it may have, and as many again: a node that lets more pile up does not read.
    private readonly Channel<WorkOrder> _orders = Channel.CreateBounded<WorkOrder>(
        new BoundedChannelOptions((4 * capacity) + 16) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private bool _isDisposed;

    public NodeId NodeId => nodeId;

    /// <summary>Why the server gave it up; null otherwise.</summary>
    public string? CloseReason { get; private set; }

    public CancellationToken Closed => _closed.Token;

    public ChannelReader<WorkOrder> Orders => _orders.Reader;

    public Dictionary<long, RoutedSequence> Running { get; } = [];

    /// <summary>Work that is left, in tokens: the router's measure of load.</summary>
    public long OutstandingTokens { get; set; }

    public int Capacity => capacity;

    public bool HasRoom => Running.Count < capacity && CloseReason is null;

    public void Post(WorkOrder order)
    {
        if (!_orders.Writer.TryWrite(order))
            Close("it does not read its orders");
    }

    /// <summary>Gives the node up; its session then detaches it. Idempotent.</summary>
    public void Close(string reason)
    {
        lock (_closed)
        {
            CloseReason ??= reason;
            // Asynchronously: what waits on the token must not run inside the router's lock.
            if (!_isDisposed)
                _ = _closed.CancelAsync();
        }
    }

    public void Dispose()
    {
        lock (_closed)
        {
            _isDisposed = true;
            _orders.Writer.TryComplete();
            _closed.Dispose();
        }
    }
}

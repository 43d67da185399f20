using System.Threading.Channels;
using MegaInfer.Proto;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// The server's end of one Attend stream: messages to the node wait here in order, and whoever finds the node gone ends it. A node that lets
/// <see cref="Capacity"/> messages pile up is taken for lost.
/// </summary>
internal sealed class NodeConnection : IDisposable
{
    private const int Capacity = 256;

    private readonly Channel<ServerMessage> _outbox = Channel.CreateBounded<ServerMessage>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly CancellationTokenSource _ended = new();
    private bool _isDisposed;

    /// <summary>Why the server ended it; null while it lasts or where the node left by itself.</summary>
    public string? EndReason { get; private set; }

    public CancellationToken Ended => _ended.Token;

    public ChannelReader<ServerMessage> Outbox => _outbox.Reader;

    /// <summary>Any thread, never blocks.</summary>
    public void Post(ServerMessage message)
    {
        if (!_outbox.Writer.TryWrite(message))
            End("it does not read what the server sends");
    }

    /// <summary>Ends the stream from the server's side. Idempotent; any thread.</summary>
    public void End(string reason)
    {
        lock (_ended)
        {
            EndReason ??= reason;
            _outbox.Writer.TryComplete();
            // Asynchronously: what waits on the token must not run inside the caller's lock.
            if (!_isDisposed)
                _ = _ended.CancelAsync();
        }
    }

    public void Dispose()
    {
        lock (_ended)
        {
            _isDisposed = true;
            _outbox.Writer.TryComplete();
            _ended.Dispose();
        }
    }
}

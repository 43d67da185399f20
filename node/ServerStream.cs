using Google.Protobuf;
using Grpc.Core;
using MegaInfer.Engine;
using MegaInfer.Proto;

namespace MegaInfer.Node;

/// <summary>The Attend stream of one membership: join, serialized writes, messages in, half-close to leave.</summary>
internal sealed class ServerStream : IDisposable
{
    private const uint ProtocolVersion = 1;
    private static readonly TimeSpan WelcomeTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DefaultLease = TimeSpan.FromSeconds(10);

    // Keep-alive pings go out every two or three seconds, so a shorter silence says nothing.
    private static readonly TimeSpan ShortestLease = TimeSpan.FromSeconds(4);

    private readonly NodeOptions _options;
    private readonly TimeProvider _time;
    private readonly ServerChannel _channel;
    private readonly AsyncDuplexStreamingCall<NodeMessage, ServerMessage> _call;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private volatile bool _isLeaving;

    internal ServerStream(NodeOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _channel = new ServerChannel(options.Server, time);
        _call = new Cluster.ClusterClient(_channel.Calls).Attend(cancellationToken: CancellationToken.None);
    }

    internal CallInvoker Calls => _channel.Calls;

    /// <summary>This side has said that it leaves; the end of the stream is then expected.</summary>
    internal bool IsLeaving => _isLeaving;

    public void Dispose()
    {
        _call.Dispose();
        _channel.Dispose();
        _writing.Dispose();
    }

    /// <summary>The server's Welcome; null if it cannot be reached.</summary>
    /// <exception cref="MegaInferException">The server refused, in its own words.</exception>
    internal async Task<Welcome?> JoinAsync(NodeRole role, CancellationToken stop)
    {
        var join = new Join
        {
            ProtocolVersion = ProtocolVersion,
            Role = role,
            Host = Environment.MachineName,
            Pid = Environment.ProcessId,
            Secret = ByteString.CopyFrom(_options.Secret.Span),
            ChildIndex = _options.ChildIndex,
        };
        try
        {
            await _call.RequestStream.WriteAsync(new NodeMessage { Join = join }, stop);
            if (!await _call.ResponseStream.MoveNext(stop).WaitAsync(WelcomeTimeout, _time, stop))
                return null;
        }
        catch (RpcException error) when (error.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.Unimplemented)
        {
            throw Refusal(error.Status.Detail);
        }
        catch (Exception error) when (IsEndOfStream(error) || error is TimeoutException or OperationCanceledException)
        {
            return null;
        }

        ServerMessage answer = _call.ResponseStream.Current;
        return answer.MessageCase switch
        {
            ServerMessage.MessageOneofCase.Welcome => answer.Welcome,
            ServerMessage.MessageOneofCase.Refused => throw Refusal(answer.Refused.Reason),
            _ => throw Refusal($"it answered Join with {answer.MessageCase}; run the same release on both sides."),
        };
    }

    /// <summary>Hands on every message until the stream ends, however it ends.</summary>
    /// <exception cref="MegaInferException">The server refused what the node said in Ready.</exception>
    internal async Task ReadAsync(Action<Snapshot> onSnapshot, Action onDrain)
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                ServerMessage message = _call.ResponseStream.Current;
                if (message.MessageCase == ServerMessage.MessageOneofCase.Snapshot)
                    onSnapshot(message.Snapshot);
                else if (message.MessageCase == ServerMessage.MessageOneofCase.Drain)
                    onDrain();
                else if (message.MessageCase == ServerMessage.MessageOneofCase.Refused)
                    throw Refusal(message.Refused.Reason);
            }
        }
        catch (Exception error) when (IsEndOfStream(error))
        {
            // What the end means depends on who wanted it: the session decides.
        }
    }

    /// <summary>Sends one message; does nothing once this side leaves or the stream is over.</summary>
    internal async Task WriteAsync(NodeMessage message, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            if (!_isLeaving)
                await _call.RequestStream.WriteAsync(message, cancel);
        }
        catch (Exception error) when (IsEndOfStream(error))
        {
            // The reader sees the same end.
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Half-closes, which tells the server that this node leaves, and waits a bounded time for <paramref name="reading"/> to end.</summary>
    internal async Task LeaveAsync(Task reading)
    {
        await _writing.WaitAsync();
        try
        {
            if (!_isLeaving)
            {
                _isLeaving = true;
                await _call.RequestStream.CompleteAsync();
            }
        }
        catch (Exception error) when (IsEndOfStream(error))
        {
            // Already over.
        }
        finally
        {
            _writing.Release();
        }

        await Task.WhenAny(reading, Task.Delay(LeaveTimeout, _time));
    }

    /// <summary>Completes when nothing has been heard from the server for the lease, not even the answer to a keep-alive ping.</summary>
    internal async Task WatchLeaseAsync(long leaseMs, CancellationToken cancel)
    {
        TimeSpan lease = leaseMs > 0 ? TimeSpan.FromMilliseconds(leaseMs) : DefaultLease;
        if (lease < ShortestLease)
            lease = ShortestLease;
        while (_channel.Silence < lease && !cancel.IsCancellationRequested)
            await Task.Delay(lease / 4, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private MegaInferException Refusal(string reason) => new($"The server at {_options.Server.Authority} refused this node: {reason}");

    private static bool IsEndOfStream(Exception error) =>
        error is RpcException or IOException or InvalidOperationException or ObjectDisposedException;
}

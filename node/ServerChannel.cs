using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace MegaInfer.Node;

/// <summary>One connection to the server's control port.</summary>
internal sealed class ServerChannel : IDisposable
{
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private HeardStream? _heard;

    internal ServerChannel(Uri server, TimeProvider time)
    {
        var handler = new SocketsHttpHandler
        {
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = ConnectTimeout,
            UseProxy = false,
            ConnectCallback = async (context, cancel) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(context.DnsEndPoint, cancel);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }

                return _heard = new HeardStream(new NetworkStream(socket, ownsSocket: true), time);
            },
        };
        _channel = GrpcChannel.ForAddress(
            server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true, MaxReceiveMessageSize = null });
        Calls = _channel.CreateCallInvoker();
    }

    internal CallInvoker Calls { get; }

    /// <summary>How long nothing has come in, not even the answer to a ping.</summary>
    internal TimeSpan Silence => _heard?.Silence ?? TimeSpan.Zero;

    public void Dispose() => _channel.Dispose();
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MegaInfer.Server.Hosting;

/// <summary>
/// The three listening sockets. They are bound before anything else starts: a busy port is found at once, and nodes may connect while the web server is
/// still being built.
/// </summary>
internal sealed class Doors : IDisposable
{
    private readonly Dictionary<Listener, Socket> _sockets = [];

    /// <exception cref="Engine.MegaInferException">One of them cannot be taken; none is then.</exception>
    public Doors(ListenAddress http, ListenAddress grpc, ListenAddress control)
    {
        try
        {
            _sockets[Listener.Http] = http.Bind();
            _sockets[Listener.Grpc] = grpc.Bind();
            _sockets[Listener.Control] = control.Bind();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where a door is, with the port that the system chose where it was asked to.</summary>
    public IPEndPoint EndPoint(Listener listener) => (IPEndPoint)_sockets[listener].LocalEndPoint!;

    /// <summary>HOST:PORT for a client on this host.</summary>
    public string Address(Listener listener)
    {
        IPEndPoint bound = EndPoint(listener);
        IPAddress host = bound.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound.Address;
        return new IPEndPoint(host, bound.Port).ToString();
    }

    /// <summary>Makes the web server listen here, and mark every connection with its door.</summary>
    public void Configure(IWebHostBuilder host)
    {
        Dictionary<EndPoint, Socket> sockets = _sockets.Values.ToDictionary(socket => socket.LocalEndPoint!);
        host.UseSockets(options => options.CreateBoundListenSocket = endPoint => sockets[endPoint]);
        host.ConfigureKestrel(options =>
        {
            foreach (Listener listener in _sockets.Keys)
                options.Listen(EndPoint(listener), listen => Mark(listen, listener));
        });
    }

    public void Dispose()
    {
        foreach (Socket socket in _sockets.Values)
            socket.Dispose();
    }

    private static void Mark(ListenOptions listen, Listener listener)
    {
        listen.Protocols = listener == Listener.Http ? HttpProtocols.Http1 : HttpProtocols.Http2;
        var feature = new ListenerFeature(listener);
        listen.Use(next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        });
    }
}

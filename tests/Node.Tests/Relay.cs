using System.Net;
using System.Net.Sockets;

namespace MegaInfer.Node.Tests;

/// <summary>One TCP connection passed on to a port of localhost, until it freezes: then it stays open and carries nothing.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _clients = [];
    private volatile bool _isFrozen;

    public Relay(int target)
    {
        _listener.Start();
        _ = PassOnAsync(target);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Freeze() => _isFrozen = true;

    public void Dispose()
    {
        _listener.Dispose();
        foreach (TcpClient client in _clients)
            client.Dispose();
    }

    private async Task PassOnAsync(int target)
    {
        TcpClient near = await _listener.AcceptTcpClientAsync();
        var far = new TcpClient();
        _clients.Add(near);
        _clients.Add(far);
        await far.ConnectAsync(IPAddress.Loopback, target);
        await Task.WhenAll(CopyAsync(near, far), CopyAsync(far, near));
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        byte[] buffer = new byte[4096];
        while (await from.GetStream().ReadAsync(buffer) is var count and > 0)
        {
            if (!_isFrozen)
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count));
        }
    }
}

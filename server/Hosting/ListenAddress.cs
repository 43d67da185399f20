using System.Net;
using System.Net.Sockets;
using MegaInfer.Engine;

namespace MegaInfer.Server.Hosting;

/// <summary>Where to listen, as given by a flag.</summary>
/// <param name="Flag">The flag, for error sentences.</param>
/// <param name="EndPoint">Port 0: the system chooses.</param>
internal sealed record ListenAddress(string Flag, IPEndPoint EndPoint)
{
    public bool IsLoopback => IPAddress.IsLoopback(EndPoint.Address);

    /// <summary>Reads HOST:PORT. HOST is an address, a name of this host, or * for all addresses.</summary>
    /// <exception cref="MegaInferException">It is neither.</exception>
    public static ListenAddress Parse(string flag, string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), out ushort port))
            throw new MegaInferException($"{flag} {text} is not an address; write HOST:PORT, such as 127.0.0.1:8080.");
        string host = text[..colon].Trim('[', ']');
        return new ListenAddress(flag, new IPEndPoint(AddressOf(flag, text, host), port));
    }

    /// <summary>Takes the port, so that nobody else can and connections already queue.</summary>
    /// <exception cref="MegaInferException">It is in use, or not an address of this host.</exception>
    public Socket Bind()
    {
        var socket = new Socket(EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Not ReuseAddress: on Linux that lets a second server listen on the same port, and the two then share its connections.
            socket.Bind(EndPoint);
            socket.Listen(512);
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            string why = error.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "is in use by another program; stop that one or choose another port",
                SocketError.AccessDenied => "may not be used by this user; choose a port above 1023",
                SocketError.AddressNotAvailable => "is not an address of this host; use one that is",
                _ => $"cannot be used ({error.Message})",
            };
            throw new MegaInferException($"{EndPoint} {why} with {Flag} HOST:PORT.", error);
        }
    }

    private static IPAddress AddressOf(string flag, string text, string host)
    {
        if (host == "*")
            return IPAddress.Any;
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return IPAddress.Loopback;
        if (IPAddress.TryParse(host, out IPAddress? address))
            return address;
        try
        {
            return Dns.GetHostAddresses(host, AddressFamily.InterNetwork)[0];
        }
        catch (SocketException error)
        {
            throw new MegaInferException($"{flag} {text}: the host {host} has no address; write one of this machine's, such as 127.0.0.1:8080.", error);
        }
    }
}

using MegaInfer.Proto;

namespace MegaInfer.Node;

/// <summary>
/// A node's own work behind its membership: <see cref="NodeProgram"/> joins and heartbeats, this loads and computes. One implementation per role. The
/// implementation is the door where protobuf messages become engine types.
/// </summary>
/// <remarks>
/// The order of calls in one membership is Load, Serve, then any of Apply, Drain and ReadMetrics while Serve runs. A node that joined from outside
/// may go through several memberships in a row, when its server comes back: Load is then called again and may keep what is still right. Nothing is
/// called twice at the same time, except ReadMetrics beside the others.
/// </remarks>
public interface INode : IDisposable
{
    NodeRole Role { get; }

    /// <summary>Loads what the server asks for and opens the node's data plane. Runs on a thread-pool thread and may block.</summary>
    /// <exception cref="Engine.MegaInferException">The sentence to print; the node exits non-zero.</exception>
    Task<Ready> LoadAsync(Welcome welcome, CancellationToken cancel);

    /// <summary>
    /// Starts work, after Ready was sent; completes when the node has drained. <paramref name="cancel"/> ends it at once: the server is gone or
    /// draining took too long. A fault ends the process non-zero.
    /// </summary>
    Task ServeAsync(ServerLink server, CancellationToken cancel);

    /// <summary>The membership changed. Epochs only grow.</summary>
    void Apply(Snapshot snapshot);

    /// <summary>Finish what runs, take nothing new, then let Serve complete. Called at most once.</summary>
    void Drain();

    /// <summary>Adds the node's counters (names end in <c>_total</c>) and gauges to a heartbeat. Any thread.</summary>
    void ReadMetrics(IDictionary<string, double> metrics);

    /// <summary>Adds to a heartbeat how rows travel: the transport of the pair with each expert node, by its rank. Only attention nodes have any. Any thread.</summary>
    void ReadPairs(IDictionary<uint, string> pairs)
    {
    }
}

using Grpc.Core;

namespace MegaInfer.Node;

/// <summary>The server as a serving node sees it: where to open further calls, and how to leave in good order.</summary>
public sealed class ServerLink
{
    private readonly Func<Task> _leave;

    internal ServerLink(CallInvoker calls, int nodeId, Func<Task> leave)
    {
        Calls = calls;
        NodeId = nodeId;
        _leave = leave;
    }

    /// <summary>For the node's own calls (an attention node's Work), over the connection that Attend uses.</summary>
    public CallInvoker Calls { get; }

    /// <summary>The id that the server chose for this membership.</summary>
    public int NodeId { get; }

    /// <summary>
    /// Tells the server that this node leaves and waits, for a bounded time, until the server has let it go: nobody is sent here any more
    /// by new snapshots. A node whose peers may still have work for it calls this first and finishes that work afterwards. Idempotent.
    /// </summary>
    public Task LeaveAsync() => _leave();
}

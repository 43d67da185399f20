using MegaInfer.Engine;
using MegaInfer.Proto;
using NodeRole = MegaInfer.Engine.Cluster.NodeRole;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// The registry: the current <see cref="Membership"/>, the connection of each node and its last metrics. Any thread may call; changes happen one
/// after another, and listeners hear of them in that order.
/// </summary>
internal sealed class ClusterState(ClusterSpec spec, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeId, NodeConnection> _connections = [];
    private readonly Dictionary<NodeId, IReadOnlyDictionary<string, double>> _metrics = [];
    private readonly Dictionary<NodeId, IReadOnlyDictionary<uint, string>> _pairs = [];
    private volatile Membership _current = new(spec);
    private volatile bool _isStopping;

    /// <summary>Called after each change, one at a time; must not block.</summary>
    public event Action<Membership>? Changed;

    public ClusterSpec Spec => spec;

    public Membership Current => _current;

    /// <summary>The server stops, so nodes leave because they were asked to.</summary>
    public bool IsStopping => _isStopping;

    public void BeginStop() => _isStopping = true;

    /// <summary>Takes a node in. Its messages go to <paramref name="connection"/> from now on.</summary>
    /// <returns>The new node, or a refusal in one sentence.</returns>
    public (ClusterNode? Node, string? Refusal) Join(JoinRequest request, NodeConnection connection)
    {
        lock (_gate)
        {
            (Membership next, ClusterNode? node, string? refusal) = _current.Join(request);
            if (node is null)
                return (null, refusal);
            foreach (int gone in _current.Nodes.Keys.Except(next.Nodes.Keys))
                Drop(new NodeId(gone), "a new process took its place");
            _connections[node.Id] = connection;
            Publish(next);
            Log.NodeJoined(logger, node, node.Host, node.Pid, node.Rank.Value, node.Experts.Count);
            return (node, null);
        }
    }

    /// <summary>The node serves from now on; attention nodes get the current snapshot, and all of them a new one when an expert node is ready.</summary>
    /// <returns>A refusal in one sentence, or null.</returns>
    public string? MarkReady(NodeId id, ReadyReport report, string modelDigest)
    {
        lock (_gate)
        {
            (Membership next, string? refusal) = _current.MarkReady(id, report, modelDigest);
            if (refusal is not null)
                return refusal;
            bool sentToAll = Publish(next);
            ClusterNode node = next.Find(id)!;
            if (!sentToAll && node.Role == NodeRole.Attention)
                _connections[id].Post(ClusterMessages.Snapshot(next));
            Log.NodeReady(logger, node, report.Backend, report.NumericsId, report.WeightBytes >> 20);
            return null;
        }
    }

    public void Heartbeat(NodeId id, IReadOnlyDictionary<string, double> metrics, IReadOnlyDictionary<uint, string> pairs)
    {
        lock (_gate)
        {
            if (!_connections.ContainsKey(id))
                return;
            _metrics[id] = metrics;
            _pairs[id] = pairs;
        }
    }

    /// <summary>The node is gone. Idempotent.</summary>
    public void Leave(NodeId id, string reason)
    {
        lock (_gate)
        {
            if (_current.Find(id) is not { } node)
                return;
            if (!_isStopping)
                Log.NodeLeft(logger, node, node.Host, node.Pid, reason);
            Drop(id, reason);
            Publish(_current.Leave(id));
        }
    }

    /// <summary>The last heartbeat's metrics of each node that is there.</summary>
    public IReadOnlyList<(ClusterNode Node, IReadOnlyDictionary<string, double> Metrics)> NodeMetrics()
    {
        lock (_gate)
            return [.. _current.Nodes.Values.Where(node => _metrics.ContainsKey(node.Id)).Select(node => (node, _metrics[node.Id]))];
    }

    /// <summary>The transport of a node's pair with each expert node, by rank, as its last heartbeat said.</summary>
    public IReadOnlyDictionary<uint, string> PairsOf(NodeId id)
    {
        lock (_gate)
            return _pairs.GetValueOrDefault(id) ?? new Dictionary<uint, string>();
    }

    /// <summary>Ends every connection: the server stops.</summary>
    public void Close()
    {
        lock (_gate)
        {
            foreach (NodeConnection connection in _connections.Values)
                connection.End("the server stops");
        }
    }

    private void Drop(NodeId id, string reason)
    {
        _metrics.Remove(id);
        _pairs.Remove(id);
        if (_connections.Remove(id, out NodeConnection? connection))
            connection.End(reason);
    }

    /// <summary>Makes a membership current; true if every ready attention node was sent its snapshot.</summary>
    private bool Publish(Membership next)
    {
        bool isNewEpoch = next.Epoch != _current.Epoch;
        _current = next;
        if (isNewEpoch)
        {
            ServerMessage snapshot = ClusterMessages.Snapshot(next);
            foreach (ClusterNode node in next.OfRole(NodeRole.Attention).Where(node => node.IsReady))
                _connections[node.Id].Post(snapshot);
        }

        Changed?.Invoke(next);
        return isNewEpoch;
    }
}

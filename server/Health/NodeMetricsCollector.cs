using MegaInfer.Engine.Cluster;
using MegaInfer.Server.Cluster;
using Prometheus;

namespace MegaInfer.Server.Health;

/// <summary>
/// Shows what nodes say in their heartbeats, and how many nodes there are, among the server's own metrics. A node's series disappear with it.
/// </summary>
internal sealed class NodeMetricsCollector
{
    // A node that invents names must not fill the server's memory.
    private const int MaxNames = 512;
    private static readonly string[] Labels = ["role", "node"];

    private readonly Lock _gate = new();
    private readonly MetricFactory _factory;
    private readonly ClusterState _cluster;
    private readonly Gauge _nodes;
    private readonly Gauge _epoch;
    private readonly Dictionary<string, Counter> _counters = [];
    private readonly Dictionary<string, Gauge> _gauges = [];

    public NodeMetricsCollector(CollectorRegistry registry, ClusterState cluster)
    {
        _factory = Metrics.WithCustomRegistry(registry);
        _cluster = cluster;
        _nodes = _factory.CreateGauge("megainfer_nodes", "Nodes by role and state.", "role", "state");
        _epoch = _factory.CreateGauge("megainfer_membership_epoch", "Grows with every change of the expert pool.");
    }

    /// <summary>Takes over the last heartbeats; called before metrics are written.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            Membership membership = _cluster.Current;
            _epoch.Set(membership.Epoch);
            foreach (NodeRole role in Enum.GetValues<NodeRole>())
            {
                _nodes.WithLabels(NameOf(role), "ready").Set(membership.OfRole(role).Count(node => node.IsReady));
                _nodes.WithLabels(NameOf(role), "loading").Set(membership.OfRole(role).Count(node => !node.IsReady));
            }

            var seen = new HashSet<string>();
            foreach ((ClusterNode node, IReadOnlyDictionary<string, double> metrics) in _cluster.NodeMetrics())
            {
                string[] labels = [NameOf(node.Role), node.Id.Value.ToString()];
                seen.Add(labels[1]);
                foreach ((string name, double value) in metrics)
                    Show(name, labels, value);
            }

            Forget(seen);
        }
    }

    private void Show(string name, string[] labels, double value)
    {
        if (!IsName(name) || _counters.Count + _gauges.Count >= MaxNames)
            return;
        try
        {
            if (name.EndsWith("_total", StringComparison.Ordinal))
                Of(_counters, name, () => _factory.CreateCounter(name, "Counted by nodes.", Labels)).WithLabels(labels).IncTo(value);
            else
                Of(_gauges, name, () => _factory.CreateGauge(name, "Said by nodes.", Labels)).WithLabels(labels).Set(value);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            // The server has a metric of that name with other labels: its own wins.
        }
    }

    private void Forget(HashSet<string> seen)
    {
        foreach (Counter counter in _counters.Values)
            ForgetIn(counter, seen);
        foreach (Gauge gauge in _gauges.Values)
            ForgetIn(gauge, seen);
    }

    private static void ForgetIn<TChild>(Collector<TChild> metric, HashSet<string> seen)
        where TChild : ChildBase
    {
        foreach (string[] labels in metric.GetAllLabelValues().Where(labels => !seen.Contains(labels[1])).ToArray())
            metric.RemoveLabelled(labels);
    }

    private static T Of<T>(Dictionary<string, T> known, string name, Func<T> create)
    {
        if (!known.TryGetValue(name, out T? metric))
            known[name] = metric = create();
        return metric;
    }

    private static bool IsName(string name) => name.Length is > 0 and < 200 && name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_') && !char.IsAsciiDigit(name[0]);

    private static string NameOf(NodeRole role) => role == NodeRole.Attention ? "attention" : "expert";
}

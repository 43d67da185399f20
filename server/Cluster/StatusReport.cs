using System.Globalization;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Cluster;

/// <summary>What <c>cluster status</c> shows: the membership with what nodes said last.</summary>
internal static class StatusReport
{
    // What attention nodes call these in their heartbeats.
    private const string Running = "megainfer_running_sequences";
    private const string Waiting = "megainfer_waiting_sequences";

    public static ClusterStatus Of(ServerParts parts)
    {
        Membership membership = parts.Cluster.Current;
        var metrics = parts.Cluster.NodeMetrics().ToDictionary(entry => entry.Node.Id, entry => entry.Metrics);
        string digest = parts.Model.Digest.IsCompletedSuccessfully ? parts.Model.Digest.Result : "";
        var status = new ClusterStatus { Epoch = membership.Epoch, Model = parts.Model.Name, ModelDigest = digest };
        foreach (ClusterNode node in membership.Nodes.Values)
        {
            IReadOnlyDictionary<string, double> said = metrics.GetValueOrDefault(node.Id) ?? new Dictionary<string, double>();
            status.Nodes.Add(new NodeStatus
            {
                NodeId = node.Id.Value,
                Role = (NodeRole)(int)node.Role,
                Rank = (uint)node.Rank.Value,
                Host = node.Host,
                Pid = node.Pid,
                State = node.State,
                NumericsId = node.Ready?.NumericsId ?? "",
                Backend = node.Ready?.Backend ?? "",
                Experts = { node.Experts.Select(expert => expert.Value) },
                WeightBytes = node.Ready?.WeightBytes ?? 0,
                RunningSequences = (int)said.GetValueOrDefault(Running),
                WaitingSequences = (int)said.GetValueOrDefault(Waiting),
                ChildIndex = node.ChildIndex,
                Pairs = { parts.Cluster.PairsOf(node.Id).ToDictionary(pair => pair.Key, pair => pair.Value) },
            });
        }

        return status;
    }

    /// <summary>The status as a table for people.</summary>
    public static IEnumerable<string> Table(ClusterStatus status)
    {
        yield return $"model {status.Model}  digest {status.ModelDigest}  epoch {status.Epoch.ToString(CultureInfo.InvariantCulture)}";
        yield return $"{"node",4}  {"role",-9}  {"rank",4}  {"state",-8}  {"process",-24}  {"running",7}  {"weights",9}  {"experts",-16}  {"rows by",-16}  numerics";
        foreach (NodeStatus node in status.Nodes)
        {
            string role = node.Role == NodeRole.Attention ? "attention" : "expert";
            string process = $"{node.Host}:{node.Pid}{(node.ChildIndex >= 0 ? "" : " (joined)")}";
            string running = node.Role == NodeRole.Attention ? node.RunningSequences.ToString(CultureInfo.InvariantCulture) : "-";
            string weights = $"{node.WeightBytes / 1048576.0:F1} MiB";
            yield return $"{node.NodeId,4}  {role,-9}  {node.Rank,4}  {node.State,-8}  {process,-24}  {running,7}  {weights,9}  {Ranges(node.Experts),-16}  {Transports(node.Pairs),-16}  {node.NumericsId}";
        }
    }

    /// <summary>How an attention node's rows travel: the ranks of the expert nodes on each transport, such as "shm:0 tcp:1-2".</summary>
    internal static string Transports(IEnumerable<KeyValuePair<uint, string>> pairs)
    {
        IEnumerable<string> texts = pairs.GroupBy(pair => pair.Value, pair => (int)pair.Key)
            .OrderBy(group => group.Key)
            .Select(group => $"{group.Key}:{Ranges([.. group.Order()])}");
        string text = string.Join(' ', texts);
        return text.Length == 0 ? "-" : text;
    }

    /// <summary>0,1,2,5 -> "0-2,5".</summary>
    internal static string Ranges(IReadOnlyList<int> ascending)
    {
        var parts = new List<string>();
        for (int i = 0; i < ascending.Count; i++)
        {
            int first = i;
            while (i + 1 < ascending.Count && ascending[i + 1] == ascending[i] + 1)
                i++;
            parts.Add(first == i ? $"{ascending[i]}" : $"{ascending[first]}-{ascending[i]}");
        }

        return parts.Count == 0 ? "-" : string.Join(',', parts);
    }
}

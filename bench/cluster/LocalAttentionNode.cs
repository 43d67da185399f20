using System.Collections.Concurrent;
using MegaInfer.AttentionNodes;
using MegaInfer.AttentionNodes.Metrics;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Requests;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Cluster;

/// <summary>One attention node of a local cluster with all that it owns, and the reader that hands its reports to their sequences.</summary>
internal sealed class LocalAttentionNode : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private readonly ConcurrentDictionary<SequenceId, LocalSequence> _sequences = new();
    private readonly AttentionNode _node;

    internal LocalAttentionNode(Rank rank, LocalParts parts)
    {
        try
        {
            KernelContext context = Own(parts.Context(NodeRole.Attention));
            AttentionWeights weights = Own(AttentionWeights.Load(parts.Checkpoint, context, parts.WeightType, LocalParts.Version));
            M2NEndpoint endpoint = Own(parts.Endpoint(M2NRole.Sender, rank, context));
            _node = Own(new AttentionNode($"attention node {rank.Value}", weights, context, endpoint, parts.AttentionOptions(rank), TimeProvider.System));
            Backend = context.Backend;
            Numerics = context.Numerics;
            Reading = Task.Run(ReadAsync);
            _node.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal string Backend { get; }

    internal string Numerics { get; }

    internal AttentionNodeMetrics Metrics => _node.Metrics;

    /// <summary>Ends after the node's last report.</summary>
    internal Task Reading { get; private set; } = Task.CompletedTask;

    internal LocalSequence Submit(GenerationRequest request)
    {
        var sequence = new LocalSequence(request.Id);
        if (!_sequences.TryAdd(request.Id, sequence))
            throw new InvalidOperationException($"{request.Id} is already on this attention node.");
        if (!_node.Submit(request))
        {
            _sequences.TryRemove(request.Id, out _);
            throw new MegaInferException($"The attention node takes no more requests; {request.Id} was refused.");
        }

        return sequence;
    }

    internal void Cancel(SequenceId id) => _node.Cancel(id);

    internal void Apply(ClusterSnapshot snapshot) => _node.Apply(snapshot);

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
            owned.Dispose();
    }

    private async Task ReadAsync()
    {
        Exception? failure = null;
        try
        {
            await foreach (StepReport report in _node.Reports.ReadAllAsync())
                HandOut(report);
        }
        catch (Exception error)
        {
            // The node's loop has failed: whoever still waits for a sequence is told why.
            failure = error;
        }

        foreach (LocalSequence sequence in _sequences.Values)
            sequence.Fail(failure ?? new MegaInferException($"The attention node stopped before {sequence.Id} ended."));
    }

    private void HandOut(StepReport report)
    {
        foreach (SequenceReport news in report.Sequences)
        {
            if (news.End is null ? _sequences.TryGetValue(news.Id, out LocalSequence? sequence) : _sequences.TryRemove(news.Id, out sequence))
                sequence.Add(news);
        }
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Push(part);
        return part;
    }
}

using System.Diagnostics;
using MegaInfer.AttentionNodes.Layers;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine.Cluster;
using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The ping-pong order of loops: while one micro-batch is at the experts, it visits the expert that is here, and the next is in attention. Belongs to the node loop; the loop over layers allocates,
/// locks and logs nothing.
/// </summary>
public sealed class PingPongPipeline
{
    private readonly Embedding _embedding;
    private readonly IReadOnlyList<AttentionLayer> _layers;
    private readonly StepMemory _memory;
    private readonly IExpertLink _experts;
    private readonly StageClock _clock;
    private readonly LayerRecordings? _recordings;
    private readonly MicroBatch[] _slots;

    public PingPongPipeline(Embedding embedding, IReadOnlyList<AttentionLayer> layers, StepMemory memory, IExpertLink experts, StageClock clock, LayerRecordings? recordings = null)
    {
        _embedding = embedding;
        _layers = layers;
        _memory = memory;
        _experts = experts;
        _clock = clock;
        _recordings = recordings;
        _slots = [.. Enumerable.Range(0, PipelineShape.MaximumMicroBatches).Select(slot => new MicroBatch(slot, ExpertPeers.MaxRanks))];
    }

    /// <summary>
    /// Takes a step's rows through all layers, as so many micro-batches (1..4). <see cref="M2NStatus.Ok"/>: the hidden rows are final. Anything else: an
    /// expert node failed; keys and values may be written, nothing else has changed, and the step may be run again.
    /// </summary>
    public M2NStatus Run(Step step, int microBatchCount)
    {
        _clock.Start();
        _memory.Fill(step);
        _embedding.Forward(step.RowCount);
        ReadOnlySpan<MicroBatch> microBatches = Split(step.RowCount, microBatchCount);
        long started = Stopwatch.GetTimestamp();
        M2NStatus status = RunLayers(microBatches);
        if (status != M2NStatus.Ok)
        {
            foreach (MicroBatch microBatch in microBatches)
                _experts.Abandon(microBatch);
        }

        _clock.Finish(Stopwatch.GetTimestamp() - started, _layers.Count * microBatches.Length);
        return status;
    }

    private M2NStatus RunLayers(ReadOnlySpan<MicroBatch> microBatches)
    {
        M2NStatus status;
        for (int layer = 0; layer < _layers.Count; layer++)
        {
            foreach (MicroBatch microBatch in microBatches)
            {
                if (layer > 0 && (status = Combine(microBatch, layer - 1)) != M2NStatus.Ok)
                    return status;
                Attend(microBatch, layer);
                Dispatch(microBatch, layer);
                _layers[layer].VisitShared(microBatch);
            }
        }

        foreach (MicroBatch microBatch in microBatches)
        {
            if ((status = Combine(microBatch, _layers.Count - 1)) != M2NStatus.Ok)
                return status;
        }

        return M2NStatus.Ok;
    }

    private void Attend(MicroBatch microBatch, int layer)
    {
        if (_recordings is null)
            _layers[layer].Forward(microBatch);
        else
            _recordings.Forward(layer, microBatch);
    }

    private void Dispatch(MicroBatch microBatch, int layer)
    {
        if (!_layers[layer].IsDense)
            _experts.Dispatch(microBatch, layer);
    }

    // What a dense layer made is here already.
    private M2NStatus Combine(MicroBatch microBatch, int layer)
    {
        if (!_layers[layer].IsDense)
            return _experts.Combine(microBatch);
        _layers[layer].AddDense(microBatch);
        return M2NStatus.Ok;
    }

    private ReadOnlySpan<MicroBatch> Split(int rows, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int first = MicroBatchSplit.FirstRow(rows, count, i);
            _slots[i].Assign(first, MicroBatchSplit.FirstRow(rows, count, i + 1) - first);
        }

        return _slots.AsSpan(0, count);
    }
}

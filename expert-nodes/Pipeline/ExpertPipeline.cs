using System.Diagnostics;
using MegaInfer.Engine.Memory;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>
/// An expert node's loop: receive a batch of one layer, run its experts, return it. Nothing in it allocates, locks, logs, or waits for
/// anybody but the endpoint. One thread runs it; <see cref="Stop"/> may come from any.
/// </summary>
internal sealed class ExpertPipeline
{
    // Long enough that an idle node costs nothing; Stop wakes the endpoint.
    private const uint LongestWaitUs = 1_000_000;

    private readonly M2NEndpoint _endpoint;
    private readonly ExpertWeights _weights;
    private readonly PairTable _pairs;
    private readonly PieceStage? _stage; // null where kernels work in the slots themselves
    private readonly GatherPolicy _gather;
    private readonly ExpertPipelineSizes _sizes;
    private readonly RunningMean[] _computeUs;
    private readonly bool[] _isMisplaced;
    private volatile bool _isStopping;

    internal ExpertPipeline(M2NEndpoint endpoint, ExpertWeights weights, PairTable pairs, PieceStage? stage, GatherPolicy gather, ExpertPipelineSizes sizes)
    {
        _endpoint = endpoint;
        _weights = weights;
        _pairs = pairs;
        _stage = stage;
        _gather = gather;
        _sizes = sizes;
        _computeUs = new RunningMean[weights.Layers.Length];
        _isMisplaced = new bool[sizes.MaxPeers];
    }

    internal ExpertNodeMetrics Metrics { get; } = new();

    internal void Run()
    {
        int next = 0;
        while (!_isStopping)
        {
            if (!Receive(next, out ExpertBatch batch))
                continue;
            next = batch.Tag + 1 == _computeUs.Length ? 0 : batch.Tag + 1;
            if (batch.Version != _weights.Version)
                Refuse(batch);
            else if (_weights.Layers[batch.Tag] is { } layer)
                Compute(batch, layer);
            else
                RefuseDense(batch);
        }
    }

    internal void Stop()
    {
        _isStopping = true;
        _endpoint.Wake();
    }

    private bool Receive(int next, out ExpertBatch batch)
    {
        var window = new GatherWindow(_computeUs.Length, _gather.WindowUs(_computeUs[next].Value), _pairs.Capacity);
        long started = Stopwatch.GetTimestamp();
        M2NStatus status = _endpoint.Receive(window, LongestWaitUs, out batch);
        Metrics.AddIdle(Math.Max(0, Nanoseconds(Stopwatch.GetTimestamp() - started) - (status == M2NStatus.Ok ? batch.GatherNs : 0)));
        if (status is M2NStatus.Internal or M2NStatus.Invalid)
            throw new M2NException(status, "m2n_receive failed; the expert node cannot go on.");
        return status == M2NStatus.Ok;
    }

    private void Compute(in ExpertBatch batch, GroupedFfn layer)
    {
        long started = Stopwatch.GetTimestamp();
        int refused = Merge(batch, out int rows);
        layer.Forward(_pairs);
        GiveStaged(batch);
        long computeNs = Nanoseconds(Stopwatch.GetTimestamp() - started);
        _endpoint.Return(batch, M2NStatus.Ok, (ulong)computeNs);

        if (refused > 0)
            Metrics.AddMisplaced(refused);
        if (refused == batch.Count)
            return;
        _computeUs[batch.Tag].Add(computeNs / 1e3);
        Metrics.AddBatch(new BatchRecord
        {
            Pieces = batch.Count - refused,
            Rows = rows,
            Pairs = _pairs.Pairs,
            ExpertGemms = _pairs.ActiveExperts,
            ComputeNs = computeNs,
            GatherNs = batch.GatherNs,
            DispatchedBytes = (long)rows * _sizes.RowBytes,
            ReturnedBytes = (long)_pairs.Pairs * _sizes.ResultBytes,
        });
    }

    /// <summary>Sorts the batch's pairs by expert and sends back the pieces that name an expert which is not here; the number of those.</summary>
    private int Merge(in ExpertBatch batch, out int rows)
    {
        int refused = 0;
        rows = 0;
        _pairs.Clear();
        _stage?.Clear();
        for (int i = 0; i < batch.Count; i++)
        {
            _isMisplaced[i] = !_pairs.TryCount(batch[i].Groups);
            if (_isMisplaced[i])
                refused++;
            else
                rows += batch[i].RowCount;
        }

        _pairs.Place();
        for (int i = 0; i < batch.Count; i++)
        {
            PieceView piece = batch[i];
            if (_isMisplaced[i])
                _endpoint.ReturnPiece(batch, i, M2NStatus.Misplaced, 0);
            else
                Add(i, piece);
        }

        return refused;
    }

    private void Add(int index, in PieceView piece)
    {
        (DeviceAddress rows, DeviceAddress results) = _stage?.Take(index, piece) ?? (piece.Rows, piece.Results);
        _pairs.Add(rows, results, piece.RowOfPair, piece.Groups);
    }

    private void GiveStaged(in ExpertBatch batch)
    {
        for (int i = 0; _stage is not null && i < batch.Count; i++)
        {
            if (!_isMisplaced[i])
                _stage.Give(i, batch[i]);
        }
    }

    private void Refuse(in ExpertBatch batch)
    {
        Metrics.AddVersionMissing(batch.Count);
        _endpoint.Return(batch, M2NStatus.VersionMissing, 0);
    }

    // Rows of a dense layer are computed where they are: only a peer that is wrong sends them.
    private void RefuseDense(in ExpertBatch batch)
    {
        Metrics.AddMisplaced(batch.Count);
        _endpoint.Return(batch, M2NStatus.Misplaced, 0);
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}

using MegaInfer.Engine;
using MegaInfer.Engine.Memory;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Tests;

/// <summary>An attention node's side of the M2N pair, and nothing else of it. Belongs to the test's thread.</summary>
internal sealed class FakeSender : IDisposable
{
    private const int Receiver = 0;
    private readonly M2NEndpoint _endpoint;

    public FakeSender(int rank, ReadOnlySpan<byte> receiver)
    {
        _endpoint = M2NEndpoint.Open(TestEndpoint.Options(M2NRole.Sender, rank));
        _endpoint.Connect(new Rank(Receiver), receiver, TimeSpan.FromSeconds(10));
    }

    /// <summary>Copies a piece's rows into the slot and dispatches it.</summary>
    public DispatchTicket Send(int slot, int layer, TestPiece piece, int rows, WeightVersion version = default)
    {
        M2NStatus opened = _endpoint.OpenSlot(slot, new Rank(Receiver), rows, piece.RowOfPair.Length, piece.Groups.Length, out SlotView view);
        if (opened != M2NStatus.Ok)
            throw new InvalidOperationException($"The slot did not open: {opened}.");
        piece.Rows.HostSpan<float>(rows * TestModel.Hidden).CopyTo(view.Rows.HostSpan<float>(rows * TestModel.Hidden));
        piece.RowOfPair.CopyTo(view.RowOfPair);
        piece.Groups.CopyTo(view.Groups);
        M2NStatus sent = _endpoint.Dispatch(slot, new DispatchMessage(layer, version, epoch: 1, deadlineUs: 20_000_000), out DispatchTicket ticket);
        return sent == M2NStatus.Ok ? ticket : throw new InvalidOperationException($"The dispatch failed: {sent}.");
    }

    /// <summary>Waits for the piece of a ticket; its status, and its result rows where there are any.</summary>
    public (M2NStatus Status, float[][] Rows) Collect(DispatchTicket ticket)
    {
        var results = new ResultView[1];
        M2NStatus status;
        int count;
        do
        {
            status = _endpoint.Combine(ticket, 1_000_000, results, out count);
        }
        while (status == M2NStatus.Pending);

        if (status != M2NStatus.Ok || count != 1)
            throw new InvalidOperationException($"Combine ended with {status} and {count} results.");
        ResultView result = results[0];
        float[][] rows = result.Status == M2NStatus.Ok
            ? [.. Enumerable.Range(0, result.Pairs).Select(pair => Row(result.Rows, pair))]
            : [];
        _endpoint.Release(ticket);
        return (result.Status, rows);
    }

    public void Dispose() => _endpoint.Dispose();

    private static float[] Row(DeviceAddress rows, int pair) =>
        rows.Plus((long)pair * TestModel.Hidden * sizeof(float)).HostSpan<float>(TestModel.Hidden).ToArray();
}

using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>
/// A batch's rows and results where a GPU reaches them: slots are host memory that it does not. Belongs to the node loop; allocates nothing after construction.
/// </summary>
internal sealed class PieceStage : IDisposable
{
    private readonly ExpertPipelineSizes _sizes;
    private readonly DeviceBuffer _rows;
    private readonly DeviceBuffer _results;
    private readonly DeviceAddress[] _resultsOfPiece;
    private long _rowsTaken;
    private long _pairsTaken;

    public PieceStage(KernelContext context, ExpertPipelineSizes sizes)
    {
        _sizes = sizes;
        _rows = context.AllocateShared((long)sizes.MaxBatchPairs * sizes.RowBytes); // a batch has no more rows than pairs
        _results = context.AllocateShared((long)sizes.MaxBatchPairs * sizes.ResultBytes);
        _resultsOfPiece = new DeviceAddress[sizes.MaxPeers];
    }

    /// <summary>Starts a new batch.</summary>
    public void Clear() => _rowsTaken = _pairsTaken = 0;

    /// <summary>Copies piece <paramref name="index"/>'s rows, once, and gives it room for its results.</summary>
    public (DeviceAddress Rows, DeviceAddress Results) Take(int index, in PieceView piece)
    {
        DeviceAddress rows = _rows.Address.Plus(_rowsTaken * _sizes.RowBytes);
        DeviceAddress results = _results.Address.Plus(_pairsTaken * _sizes.ResultBytes);
        Copy(piece.Rows, rows, piece.RowCount * _sizes.RowBytes);
        _rowsTaken += piece.RowCount;
        _pairsTaken += piece.PairCount;
        _resultsOfPiece[index] = results;
        return (rows, results);
    }

    /// <summary>What the GPU has left, to the piece's slot.</summary>
    public void Give(int index, in PieceView piece) => Copy(_resultsOfPiece[index], piece.Results, piece.PairCount * _sizes.ResultBytes);

    public void Dispose()
    {
        _rows.Dispose();
        _results.Dispose();
    }

    private static void Copy(DeviceAddress from, DeviceAddress to, int bytes) => from.HostSpan<byte>(bytes).CopyTo(to.HostSpan<byte>(bytes));
}

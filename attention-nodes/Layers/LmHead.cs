using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>
/// The end of the model, for the rows that need logits and only for these: final norm and LM head, a tile of rows at a time. Belongs to the node loop.
/// </summary>
public sealed class LmHead : IDisposable
{
    // A tile's logits take at most about this much memory, unless one row is larger.
    private const long TileBytes = 128L << 20;

    private readonly KernelContext _context;
    private readonly AttentionWeights _weights;
    private readonly StepMemory _memory;
    private readonly Norm _norm;
    private readonly DeviceBuffer _rowIndex;
    private readonly DeviceBuffer _rows;
    private readonly DeviceBuffer _logits;
    private readonly DeviceBuffer _maximum;
    private readonly DeviceBuffer _logSumExp;
    private readonly DeviceBuffer _best;
    private readonly DeviceBuffer? _fetched; // where the host looks at logits that lie on a device

    private int _rowCount;
    private bool _isFetched;

    /// <param name="wantedRows">Rows that usually need logits together: the weights are read once for as many.</param>
    public LmHead(KernelContext context, AttentionWeights weights, StepMemory memory, int wantedRows)
    {
        _context = context;
        _weights = weights;
        _memory = memory;
        _norm = new Norm(context, weights.Spec, weights.FinalNorm);
        Vocabulary = weights.Spec.VocabularySize;
        TileRows = (int)Math.Clamp(wantedRows, 1, Math.Max(1, TileBytes / ((long)Vocabulary * sizeof(float))));
        _rowIndex = context.AllocateShared((long)TileRows * sizeof(int));
        _rows = context.Allocate((long)TileRows * memory.HiddenWidth * sizeof(float));
        _logits = context.Allocate((long)TileRows * Vocabulary * sizeof(float));
        _fetched = context.IsDevice ? context.AllocateShared(_logits.Bytes) : null;
        _best = context.AllocateShared((long)TileRows * sizeof(int));
        _maximum = context.AllocateShared((long)TileRows * sizeof(float));
        _logSumExp = context.AllocateShared((long)TileRows * sizeof(double));
    }

    public int Vocabulary { get; }

    /// <summary>Rows of one <see cref="Forward"/> at most.</summary>
    public int TileRows { get; }

    /// <summary>Hidden rows of the step, by index, to logits. [rows, hidden] to [rows, vocabulary]</summary>
    /// <param name="rowIndex">[rows] of the step.</param>
    /// <param name="fetchesLogits">The host will look at <see cref="LogitsOf"/>, which is slow otherwise.</param>
    public void Forward(ReadOnlySpan<int> rowIndex, bool fetchesLogits)
    {
        rowIndex.CopyTo(_rowIndex.HostSpan<int>());
        _context.ScatterRows(new ScatterRowsArgs
        {
            In = _memory.Hidden.Start,
            RowIndex = _rowIndex.Address,
            Out = _rows.Address,
            Rows = rowIndex.Length,
            Hidden = _memory.HiddenWidth,
            InStride = _memory.HiddenWidth,
        });
        _norm.Forward(_rows.Address, _rows.Address, rowIndex.Length);
        _context.Gemm(_weights.LmHead, new GemmArgs
        {
            In = _rows.Address,
            Out = _logits.Address,
            Rows = rowIndex.Length,
            InStride = _memory.HiddenWidth,
            OutStride = Vocabulary,
        });
        _context.LogSumExp(new LogSumExpArgs
        {
            Logits = _logits.Address,
            Maximum = _maximum.Address,
            LogSumExp = _logSumExp.Address,
            Best = _best.Address,
            Rows = rowIndex.Length,
            Vocabulary = Vocabulary,
            Stride = Vocabulary,
        });
        _rowCount = rowIndex.Length;
        _isFetched = _fetched is null;
        if (fetchesLogits)
            Fetch();
        _context.Wait();
    }

    /// <summary>[vocabulary] of a row of the last <see cref="Forward"/>. Raw; valid and writable until the next one.</summary>
    public Span<float> LogitsOf(int row)
    {
        if (!_isFetched)
        {
            Fetch();
            _context.Wait();
        }

        return (_fetched ?? _logits).Address.Plus((long)row * Vocabulary * sizeof(float)).HostSpan<float>(Vocabulary);
    }

    /// <summary>The most likely token of a row, ties to the lower id; -1: the row's logits are not numbers.</summary>
    public int BestOf(int row) => _best.HostSpan<int>()[row];

    /// <summary>The logit of <see cref="BestOf"/>.</summary>
    public float MaximumOf(int row) => _maximum.HostSpan<float>()[row];

    /// <summary>A raw log-probability is a logit less this.</summary>
    public double LogSumExpOf(int row) => _logSumExp.HostSpan<double>()[row];

    private void Fetch()
    {
        if (_isFetched || _fetched is null)
            return;
        _context.Copy(_fetched.Address, _logits.Address, (long)_rowCount * Vocabulary * sizeof(float));
        _isFetched = true;
    }

    public void Dispose()
    {
        _rowIndex.Dispose();
        _rows.Dispose();
        _logits.Dispose();
        _fetched?.Dispose();
        _best.Dispose();
        _maximum.Dispose();
        _logSumExp.Dispose();
    }
}

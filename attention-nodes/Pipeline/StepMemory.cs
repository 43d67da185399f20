using System.Runtime.InteropServices;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The rows of the step that runs now, in device memory: allocated once for the largest step, filled before each, and cut into micro-batches by row ranges. Row r
/// of a <c>[rows, width]</c> array belongs to the same token in all of them. Belongs to the node loop.
/// </summary>
public sealed class StepMemory : IDisposable
{
    private readonly List<DeviceBuffer> _buffers = [];
    private readonly KernelContext _context;
    private readonly int _maxSequences;
    private readonly int _contextBlocks;

    public StepMemory(KernelContext context, ModelSpec spec, PipelineShape shape, int maxSequences)
    {
        _context = context;
        _maxSequences = maxSequences;
        _contextBlocks = shape.ContextBlocks;
        MaxRows = shape.MaxRows;
        int rows = shape.MaxRows;
        var attention = (GroupedAttentionSpec)spec.Attention;
        QkvWidth = attention.QueryWidth + (2 * attention.KvWidth);
        HiddenWidth = spec.HiddenSize;
        QueryWidth = attention.QueryWidth;
        ExpertCount = spec.Router.ExpertCount;
        TopK = spec.Router.ExpertsPerToken;

        Hidden = Floats((long)rows * HiddenWidth);
        Normed = Floats((long)rows * HiddenWidth);
        Qkv = Floats((long)rows * QkvWidth);
        Attended = Floats((long)rows * QueryWidth);
        RouterLogits = Floats((long)rows * ExpertCount);
        RoutingWeights = Floats(shape.MaxPairs);
        RoutingExperts = Integers(shape.MaxPairs);
        TokenIds = Integers(rows);
        Positions = Integers(rows);
        SequenceOfRow = Integers(rows);
        BlockTables = Integers((long)maxSequences * _contextBlocks);
        RowIndex = Integers(shape.MaxPairs);
        ResultOfPair = Allocate((long)shape.MaxPairs * nint.Size);
    }

    public int MaxRows { get; }

    public int HiddenWidth { get; }

    public int QueryWidth { get; }

    public int QkvWidth { get; }

    public int ExpertCount { get; }

    public int TopK { get; }

    /// <summary>[rows, hidden] The residual stream.</summary>
    public DeviceAddress Hidden { get; }

    /// <summary>[rows, hidden] The rows that experts see.</summary>
    public DeviceAddress Normed { get; }

    /// <summary>[rows, query width + 2 x KV width]</summary>
    public DeviceAddress Qkv { get; }

    /// <summary>[rows, query width]</summary>
    public DeviceAddress Attended { get; }

    /// <summary>[rows, experts]</summary>
    public DeviceAddress RouterLogits { get; }

    /// <summary>[rows, top-k] Experts of each row, ascending.</summary>
    public DeviceAddress RoutingExperts { get; }

    /// <summary>[rows, top-k]</summary>
    public DeviceAddress RoutingWeights { get; }

    /// <summary>[rows, top-k] Addresses of result rows.</summary>
    public DeviceAddress ResultOfPair { get; }

    /// <summary>[pairs] Scratch of dispatch: which rows go to a peer.</summary>
    public DeviceAddress RowIndex { get; }

    /// <summary>[rows]</summary>
    public DeviceAddress TokenIds { get; }

    /// <summary>[rows]</summary>
    public DeviceAddress Positions { get; }

    /// <summary>[rows] Which row of <see cref="BlockTables"/>.</summary>
    public DeviceAddress SequenceOfRow { get; }

    /// <summary>[sequences, <see cref="BlockTableStride"/>]</summary>
    public DeviceAddress BlockTables { get; }

    /// <summary>The longest block table of this step.</summary>
    public int BlockTableStride { get; private set; }

    public int SequenceCount { get; private set; }

    /// <summary>Writes tokens, positions and block tables of a step.</summary>
    public void Fill(Step step)
    {
        ReadOnlySpan<StepSlice> slices = step.Slices;
        if (step.RowCount > MaxRows || slices.Length > _maxSequences)
            throw new InvalidOperationException($"A step of {step.RowCount} rows and {slices.Length} sequences exceeds {MaxRows} and {_maxSequences}.");
        Span<int> ids = TokenIds.HostSpan<int>(step.RowCount);
        Span<int> positions = Positions.HostSpan<int>(step.RowCount);
        Span<int> sequences = SequenceOfRow.HostSpan<int>(step.RowCount);
        SequenceCount = slices.Length;
        BlockTableStride = 1;
        foreach (ref readonly StepSlice slice in slices)
            BlockTableStride = Math.Max(BlockTableStride, slice.Sequence.BlockTable.Count);
        Span<int> tables = BlockTables.HostSpan<int>(SequenceCount * BlockTableStride);
        for (int i = 0; i < slices.Length; i++)
        {
            StepSlice slice = slices[i];
            slice.Sequence.Tokens.Slice(slice.FirstPosition, slice.RowCount).CopyTo(ids[slice.FirstRow..]);
            for (int row = 0; row < slice.RowCount; row++)
                positions[slice.FirstRow + row] = slice.FirstPosition + row;
            sequences.Slice(slice.FirstRow, slice.RowCount).Fill(i);
            // A BlockId is its number.
            MemoryMarshal.Cast<BlockId, int>(CollectionsMarshal.AsSpan(slice.Sequence.BlockTable)).CopyTo(tables[(i * BlockTableStride)..]);
        }
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
    }

    private DeviceAddress Floats(long count) => Allocate(count * sizeof(float));

    private DeviceAddress Integers(long count) => Allocate(count * sizeof(int));

    private DeviceAddress Allocate(long bytes)
    {
        DeviceBuffer buffer = _context.Allocate(bytes);
        _buffers.Add(buffer);
        return buffer.Address;
    }
}

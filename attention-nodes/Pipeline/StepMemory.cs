using System.Numerics;
using System.Runtime.InteropServices;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The rows of the step that runs now, in device memory: allocated once for the largest step, filled before each, and cut into micro-batches by row ranges. What a
/// model's blocks do not use is not there. Belongs to the node loop.
/// </summary>
public sealed class StepMemory : IDisposable
{
    private readonly List<DeviceBuffer> _buffers = [];
    private readonly KernelContext _context;
    private readonly int _maxSequences;
    private readonly int _contextBlocks;

    /// <param name="context">Owns the memory.</param>
    /// <param name="spec">The model.</param>
    /// <param name="shape">Sizes of the largest step.</param>
    /// <param name="maxSequences">Of a step.</param>
    /// <param name="stagesRows">Kernels do not reach the slots.</param>
    public StepMemory(KernelContext context, ModelSpec spec, PipelineShape shape, int maxSequences, bool stagesRows = false)
    {
        _context = context;
        _maxSequences = maxSequences;
        _contextBlocks = shape.ContextBlocks;
        MaxRows = shape.MaxRows;
        ExpertCount = spec.Router.ExpertCount;
        TopK = spec.Router.ExpertsPerToken;
        HasSharedExpert = spec.SharedExpert is not null;

        Hidden = Rows(spec.HiddenSize);
        Normed = Rows(spec.HiddenSize);
        Qkv = spec.Attention is GroupedAttentionSpec grouped ? Rows(grouped.QueryWidth + (2 * grouped.KvWidth)) : default;
        Latent = spec.Attention is LatentAttentionSpec latent ? LatentOf(latent) : null;
        Attended = Rows(spec.Attention.OutputInputWidth);
        RouterLogits = Rows(ExpertCount);
        RoutingWeights = Rows(TopK);
        RoutingExperts = Integers(shape.MaxPairs);
        TokenIds = Integers(MaxRows);
        Positions = Integers(MaxRows);
        SequenceOfRow = Integers(MaxRows);
        BlockTables = Integers((long)maxSequences * _contextBlocks);
        RowIndex = Integers(shape.MaxPairs);
        ResultOfPair = Shareable((long)shape.MaxPairs * nint.Size);
        Stage = stagesRows ? new SlotStage(Shareable((long)shape.MaxPairs * shape.RowBytes), Shareable((long)shape.MaxPairs * shape.ResultBytes), shape, TopK) : null;
        Shared = HasSharedExpert || spec.Layers.Any(layer => layer.IsDense) ? SharedOf(spec.SharedExpert) : null;
    }

    public int MaxRows { get; }

    public int HiddenWidth => Hidden.Width;

    public int ExpertCount { get; }

    public int TopK { get; }

    /// <summary>Layers with experts have one that every row visits.</summary>
    public bool HasSharedExpert { get; }

    /// <summary>[rows, hidden] The residual stream.</summary>
    public StepRows Hidden { get; }

    /// <summary>[rows, hidden] The rows that attention and experts see.</summary>
    public StepRows Normed { get; }

    /// <summary>[rows, query width + 2 x KV width] of grouped attention.</summary>
    public StepRows Qkv { get; }

    /// <summary>Null where attention is grouped.</summary>
    public LatentRows? Latent { get; }

    /// <summary>[rows, output input width] What the output projection takes.</summary>
    public StepRows Attended { get; }

    /// <summary>[rows, experts]</summary>
    public StepRows RouterLogits { get; }

    /// <summary>[rows, top-k] Experts of each row, ascending.</summary>
    public DeviceAddress RoutingExperts { get; }

    /// <summary>[rows, top-k]</summary>
    public StepRows RoutingWeights { get; }

    /// <summary>[rows, top-k] Addresses of result rows.</summary>
    public DeviceAddress ResultOfPair { get; }

    /// <summary>Null where no layer has an expert that every row visits.</summary>
    public SharedRows? Shared { get; }

    /// <summary>Rows on their way to and from slots; null where kernels work in the slots themselves.</summary>
    internal SlotStage? Stage { get; }

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

    internal DeviceAddress PositionsOf(MicroBatch microBatch) => Positions.Plus((long)microBatch.FirstRow * sizeof(int));

    internal DeviceAddress SequencesOf(MicroBatch microBatch) => SequenceOfRow.Plus((long)microBatch.FirstRow * sizeof(int));

    internal DeviceAddress RoutingExpertsOf(MicroBatch microBatch) => RoutingExperts.Plus((long)microBatch.FirstRow * TopK * sizeof(int));

    internal DeviceAddress ResultsOf(MicroBatch microBatch) => ResultOfPair.Plus((long)microBatch.FirstRow * TopK * nint.Size);

    /// <summary>Writes tokens, positions and block tables of a step.</summary>
    public void Fill(Step step)
    {
        ReadOnlySpan<StepSlice> slices = step.Slices;
        if (step.RowCount > MaxRows || slices.Length > _maxSequences)
            throw new InvalidOperationException($"A step of {step.RowCount} rows and {slices.Length} sequences exceeds {MaxRows} and {_maxSequences}.");
        _context.Wait(); // the step before may still read what is written here
        Span<int> ids = TokenIds.HostSpan<int>(step.RowCount);
        Span<int> positions = Positions.HostSpan<int>(step.RowCount);
        Span<int> sequences = SequenceOfRow.HostSpan<int>(step.RowCount);
        SequenceCount = slices.Length;
        BlockTableStride = 1;
        foreach (ref readonly StepSlice slice in slices)
            BlockTableStride = Math.Max(BlockTableStride, slice.Sequence.BlockTable.Count);
        if (_context.IsDevice) // strides that seldom change make shapes that come back, which are recorded
            BlockTableStride = Math.Min(_contextBlocks, Math.Max(16, (int)BitOperations.RoundUpToPowerOf2((uint)BlockTableStride)));
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

    private LatentRows LatentOf(LatentAttentionSpec spec) => new(
        spec.QueryRank > 0 ? Rows(spec.QueryRank) : default,
        Rows(spec.HeadCount * spec.QueryHeadDim),
        Rows(spec.HeadCount * spec.KeyDim),
        Rows(spec.KeyDim),
        Rows(spec.HeadCount * spec.KvRank));

    private SharedRows SharedOf(SharedExpertSpec? spec)
    {
        var shared = new SharedRows(
            Rows(HiddenWidth),
            spec is { HasGate: true } ? Rows(1) : default,
            Shareable((long)MaxRows * nint.Size),
            Shareable((long)MaxRows * nint.Size),
            Integers(2 * (MaxRows + 1)));
        Span<nint> normed = shared.NormedOfRow.HostSpan<nint>(MaxRows);
        Span<nint> results = shared.ResultOfRow.HostSpan<nint>(MaxRows);
        Span<int> offsets = shared.Offsets.HostSpan<int>(2 * (MaxRows + 1));
        for (int row = 0; row < MaxRows; row++)
        {
            normed[row] = Normed.Start.Plus((long)row * HiddenWidth * sizeof(float)).Value;
            results[row] = shared.Results.Start.Plus((long)row * HiddenWidth * sizeof(float)).Value;
            offsets[(2 * row) + 3] = row + 1;
        }

        return shared;
    }

    private StepRows Rows(int width) => new(Allocate((long)MaxRows * width * sizeof(float)), width);

    private DeviceAddress Integers(long count) => Shareable(count * sizeof(int));

    private DeviceAddress Allocate(long bytes) => Own(_context.Allocate(bytes));

    // What the host fills or looks at.
    private DeviceAddress Shareable(long bytes) => Own(_context.AllocateShared(bytes));

    private DeviceAddress Own(DeviceBuffer buffer)
    {
        _buffers.Add(buffer);
        return buffer.Address;
    }
}

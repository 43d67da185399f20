using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>One layer's part of the KV cache: what is written to it, and attention over it. The same for both kinds of attention.</summary>
internal sealed class PagedAttention
{
    private readonly KernelContext _context;
    private readonly AttentionSpec _spec;
    private readonly StepMemory _memory;
    private readonly KvMemory _kv;
    private readonly DeviceAddress _cache;
    private readonly DeviceBuffer? _sinks;
    private readonly int _window;

    /// <param name="context">Computes.</param>
    /// <param name="spec">The model.</param>
    /// <param name="layer">Whose cache and window.</param>
    /// <param name="sinks">[heads] fp32, or null.</param>
    /// <param name="memory">The step's positions and block tables.</param>
    /// <param name="kv">The cache of all layers.</param>
    public PagedAttention(KernelContext context, ModelSpec spec, int layer, DeviceBuffer? sinks, StepMemory memory, KvMemory kv)
    {
        _context = context;
        _spec = spec.Attention;
        _memory = memory;
        _kv = kv;
        _cache = kv.Layer(layer);
        _sinks = sinks;
        _window = spec.Layers[layer].Window;
    }

    /// <summary>Stores the rows' keys and values at their positions.</summary>
    /// <param name="microBatch">Whose rows.</param>
    /// <param name="keys">[rows, KV heads, key dim]</param>
    /// <param name="values">[rows, KV heads, value dim]; null where the cache is latent.</param>
    /// <param name="stride">From one row to the next, of both.</param>
    public void Write(MicroBatch microBatch, DeviceAddress keys, DeviceAddress values, int stride) => _context.KvWrite(new KvWriteArgs
    {
        Keys = keys,
        Values = values,
        Cache = _cache,
        BlockTables = _memory.BlockTables,
        SequenceOfRow = _memory.SequencesOf(microBatch),
        Positions = _memory.PositionsOf(microBatch),
        Rows = microBatch.RowCount,
        Stride = stride,
        KvHeads = _spec.KvHeadCount,
        HeadDim = _spec.KeyDim,
        KvType = _kv.Type,
        BlockCount = _kv.BlockCount,
        Sequences = _memory.SequenceCount,
        BlockTableStride = _memory.BlockTableStride,
        IsLatent = _spec.IsLatent ? 1 : 0,
    });

    /// <summary>[rows, heads, key dim] to [rows, heads, value dim]</summary>
    /// <param name="microBatch">Whose rows.</param>
    /// <param name="queries">First row's first head.</param>
    /// <param name="stride">From one row of queries to the next.</param>
    /// <param name="attended">Where the result goes.</param>
    public void Attend(MicroBatch microBatch, DeviceAddress queries, int stride, StepRows attended) => _context.PagedAttention(new PagedAttentionArgs
    {
        Queries = queries,
        Out = attended.At(microBatch),
        Cache = _cache,
        BlockTables = _memory.BlockTables,
        SequenceOfRow = _memory.SequencesOf(microBatch),
        Positions = _memory.PositionsOf(microBatch),
        Sinks = _sinks?.Address ?? DeviceAddress.Null,
        Rows = microBatch.RowCount,
        QueryStride = stride,
        OutStride = attended.Width,
        Heads = _spec.HeadCount,
        KvHeads = _spec.KvHeadCount,
        HeadDim = _spec.KeyDim,
        KvType = _kv.Type,
        BlockCount = _kv.BlockCount,
        Sequences = _memory.SequenceCount,
        BlockTableStride = _memory.BlockTableStride,
        Scale = _spec.Scale,
        IsLatent = _spec.IsLatent ? 1 : 0,
        ValueDim = _spec.ValueDim,
        Window = _window,
    });
}

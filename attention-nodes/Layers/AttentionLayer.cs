using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>
/// A layer's attention side: norm, projections, rope, cache write, paged attention, output projection with residual, norm, gate. Prefill and decode rows are treated
/// alike. Belongs to the node loop; <see cref="Forward"/> allocates nothing.
/// </summary>
public sealed class AttentionLayer
{
    private readonly KernelContext _context;
    private readonly ModelSpec _spec;
    private readonly GroupedAttentionSpec _attention;
    private readonly LayerWeights _weights;
    private readonly DeviceBuffer _rope;
    private readonly StepMemory _memory;
    private readonly KvMemory _kv;
    private readonly DeviceAddress _cache;

    public AttentionLayer(KernelContext context, AttentionWeights weights, int layer, StepMemory memory, KvMemory kv)
    {
        _context = context;
        _spec = weights.Spec;
        _attention = (GroupedAttentionSpec)weights.Spec.Attention;
        _weights = weights.Layers[layer];
        _rope = weights.Rope;
        _memory = memory;
        _kv = kv;
        _cache = kv.Layer(layer);
    }

    /// <summary>
    /// From hidden rows to the rows that experts see and their routing; the hidden rows have the attention's result added. Keys and values of the
    /// micro-batch's rows are in the cache afterwards.
    /// </summary>
    public void Forward(MicroBatch microBatch)
    {
        Norm(microBatch, _weights.AttentionNorm);
        Project(microBatch);
        NormHeads(microBatch);
        Rotate(microBatch);
        WriteKv(microBatch);
        Attend(microBatch);
        ProjectOutput(microBatch);
        Norm(microBatch, _weights.FfnNorm);
        Gate(microBatch);
    }

    private static DeviceAddress Row(DeviceAddress array, MicroBatch microBatch, int width) => array.Plus((long)microBatch.FirstRow * width * sizeof(float));

    private DeviceAddress Hidden(MicroBatch microBatch) => Row(_memory.Hidden, microBatch, _memory.HiddenWidth);

    private DeviceAddress Normed(MicroBatch microBatch) => Row(_memory.Normed, microBatch, _memory.HiddenWidth);

    private DeviceAddress Queries(MicroBatch microBatch) => Row(_memory.Qkv, microBatch, _memory.QkvWidth);

    private DeviceAddress Keys(MicroBatch microBatch) => Queries(microBatch).Plus((long)_attention.QueryWidth * sizeof(float));

    private DeviceAddress Values(MicroBatch microBatch) => Keys(microBatch).Plus((long)_attention.KvWidth * sizeof(float));

    // hidden [row, hidden] -> normed [row, hidden]
    private void Norm(MicroBatch microBatch, DeviceBuffer weight) => _context.RmsNorm(new RmsNormArgs
    {
        In = Hidden(microBatch),
        Weight = weight.Address,
        Out = Normed(microBatch),
        Rows = microBatch.RowCount,
        Groups = 1,
        Width = _memory.HiddenWidth,
        InStride = _memory.HiddenWidth,
        OutStride = _memory.HiddenWidth,
        Epsilon = _spec.NormEpsilon,
    });

    // normed [row, hidden] -> [row, queries | keys | values]
    private void Project(MicroBatch microBatch) => _context.Gemm(_weights.Qkv, new GemmArgs
    {
        In = Normed(microBatch),
        Out = Queries(microBatch),
        Rows = microBatch.RowCount,
        InStride = _memory.HiddenWidth,
        OutStride = _memory.QkvWidth,
    });

    private void NormHeads(MicroBatch microBatch)
    {
        if (_weights.QueryNorm is null || _weights.KeyNorm is null)
            return;
        NormHeads(microBatch, Queries(microBatch), _attention.HeadCount, _weights.QueryNorm);
        NormHeads(microBatch, Keys(microBatch), _attention.KvHeadCount, _weights.KeyNorm);
    }

    private void NormHeads(MicroBatch microBatch, DeviceAddress rows, int heads, DeviceBuffer weight) => _context.RmsNorm(new RmsNormArgs
    {
        In = rows,
        Weight = weight.Address,
        Out = rows,
        Rows = microBatch.RowCount,
        Groups = heads,
        Width = _attention.HeadDim,
        InStride = _memory.QkvWidth,
        OutStride = _memory.QkvWidth,
        Epsilon = _spec.NormEpsilon,
    });

    private void Rotate(MicroBatch microBatch)
    {
        Rotate(microBatch, Queries(microBatch), _attention.HeadCount);
        Rotate(microBatch, Keys(microBatch), _attention.KvHeadCount);
    }

    private void Rotate(MicroBatch microBatch, DeviceAddress rows, int heads) => _context.Rope(new RopeArgs
    {
        RowsData = rows,
        Positions = Positions(microBatch),
        CosineSine = _rope.Address,
        Rows = microBatch.RowCount,
        Heads = heads,
        HeadDim = _attention.HeadDim,
        RotaryDim = _spec.Rope.RotaryDim,
        Stride = _memory.QkvWidth,
        Context = _spec.ContextLength,
    });

    private DeviceAddress Positions(MicroBatch microBatch) => _memory.Positions.Plus((long)microBatch.FirstRow * sizeof(int));

    private DeviceAddress SequenceOfRow(MicroBatch microBatch) => _memory.SequenceOfRow.Plus((long)microBatch.FirstRow * sizeof(int));

    private void WriteKv(MicroBatch microBatch) => _context.KvWrite(new KvWriteArgs
    {
        Keys = Keys(microBatch),
        Values = Values(microBatch),
        Cache = _cache,
        BlockTables = _memory.BlockTables,
        SequenceOfRow = SequenceOfRow(microBatch),
        Positions = Positions(microBatch),
        Rows = microBatch.RowCount,
        Stride = _memory.QkvWidth,
        KvHeads = _attention.KvHeadCount,
        HeadDim = _attention.HeadDim,
        KvType = _kv.Type,
        BlockCount = _kv.BlockCount,
        Sequences = _memory.SequenceCount,
        BlockTableStride = _memory.BlockTableStride,
    });

    // queries [row, heads, head dim] -> attended [row, heads, head dim]
    private void Attend(MicroBatch microBatch) => _context.PagedAttention(new PagedAttentionArgs
    {
        Queries = Queries(microBatch),
        Out = Row(_memory.Attended, microBatch, _memory.QueryWidth),
        Cache = _cache,
        BlockTables = _memory.BlockTables,
        SequenceOfRow = SequenceOfRow(microBatch),
        Positions = Positions(microBatch),
        Rows = microBatch.RowCount,
        QueryStride = _memory.QkvWidth,
        OutStride = _memory.QueryWidth,
        Heads = _attention.HeadCount,
        KvHeads = _attention.KvHeadCount,
        HeadDim = _attention.HeadDim,
        KvType = _kv.Type,
        BlockCount = _kv.BlockCount,
        Sequences = _memory.SequenceCount,
        BlockTableStride = _memory.BlockTableStride,
        Scale = _attention.Scale,
    });

    // attended [row, query width] -> hidden [row, hidden] += projection
    private void ProjectOutput(MicroBatch microBatch) => _context.Gemm(_weights.Output, new GemmArgs
    {
        In = Row(_memory.Attended, microBatch, _memory.QueryWidth),
        Residual = Hidden(microBatch),
        Out = Hidden(microBatch),
        Rows = microBatch.RowCount,
        InStride = _memory.QueryWidth,
        ResidualStride = _memory.HiddenWidth,
        OutStride = _memory.HiddenWidth,
    });

    // normed [row, hidden] -> logits [row, experts] -> routing [row, top-k]
    private void Gate(MicroBatch microBatch)
    {
        DeviceAddress logits = Row(_memory.RouterLogits, microBatch, _memory.ExpertCount);
        _context.Gemm(_weights.Router, new GemmArgs
        {
            In = Normed(microBatch),
            Out = logits,
            Rows = microBatch.RowCount,
            InStride = _memory.HiddenWidth,
            OutStride = _memory.ExpertCount,
        });
        _context.GateTopK(new GateTopKArgs
        {
            Logits = logits,
            ExpertsOut = _memory.RoutingExperts.Plus((long)microBatch.FirstRow * _memory.TopK * sizeof(int)),
            WeightsOut = Row(_memory.RoutingWeights, microBatch, _memory.TopK),
            Rows = microBatch.RowCount,
            Experts = _memory.ExpertCount,
            TopK = _memory.TopK,
            RouterKind = RouterKind.Softmax,
            Normalize = _spec.Router.IsNormalized ? 1 : 0,
            Groups = 1,
            TopGroups = 1,
            Scaling = 1f,
        });
    }
}

using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>Queries, keys and values of each row; several query heads share a KV head.</summary>
internal sealed class GroupedAttention : IAttention
{
    private readonly KernelContext _context;
    private readonly GroupedAttentionSpec _spec;
    private readonly GroupedProjections _weights;
    private readonly PartNorm? _queryNorm;
    private readonly PartNorm? _keyNorm;
    private readonly Rope _rope;
    private readonly PagedAttention _paged;
    private readonly StepMemory _memory;

    public GroupedAttention(
        KernelContext context, ModelSpec spec, GroupedProjections weights, Rope rope, PagedAttention paged, StepMemory memory)
    {
        _context = context;
        _spec = (GroupedAttentionSpec)spec.Attention;
        _weights = weights;
        _queryNorm = weights.QueryNorm is null ? null : new PartNorm(context, weights.QueryNorm, spec.NormEpsilon);
        _keyNorm = weights.KeyNorm is null ? null : new PartNorm(context, weights.KeyNorm, spec.NormEpsilon);
        _rope = rope;
        _paged = paged;
        _memory = memory;
    }

    public void Forward(MicroBatch microBatch)
    {
        int stride = _memory.Qkv.Width;
        DeviceAddress queries = _memory.Qkv.At(microBatch);
        DeviceAddress keys = _memory.Qkv.At(microBatch, _spec.QueryWidth);
        DeviceAddress values = _memory.Qkv.At(microBatch, _spec.QueryWidth + _spec.KvWidth);
        Project(microBatch);
        _queryNorm?.Forward(queries, microBatch.RowCount, _spec.QueryWidth, stride);
        _keyNorm?.Forward(keys, microBatch.RowCount, _spec.KvWidth, stride);
        Clip(microBatch);
        _rope.Forward(microBatch, queries, _spec.HeadCount, _spec.HeadDim, stride);
        _rope.Forward(microBatch, keys, _spec.KvHeadCount, _spec.HeadDim, stride);
        _paged.Write(microBatch, keys, values, stride);
        _paged.Attend(microBatch, queries, stride, _memory.Attended);
    }

    // normed [row, hidden] -> [row, queries | keys | values]
    private void Project(MicroBatch microBatch) => _context.Gemm(_weights.Qkv, new GemmArgs
    {
        In = _memory.Normed.At(microBatch),
        Bias = _weights.QkvBias?.Address ?? DeviceAddress.Null,
        Out = _memory.Qkv.At(microBatch),
        Rows = microBatch.RowCount,
        InStride = _memory.Normed.Width,
        OutStride = _memory.Qkv.Width,
    });

    private void Clip(MicroBatch microBatch)
    {
        if (_spec.ClipQkv == 0)
            return;
        _context.Clamp(new ClampArgs
        {
            RowsData = _memory.Qkv.At(microBatch),
            Rows = microBatch.RowCount,
            Width = _memory.Qkv.Width,
            Stride = _memory.Qkv.Width,
            Limit = _spec.ClipQkv,
        });
    }
}

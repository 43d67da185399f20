using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>
/// A layer's attention side: norm, attention, output projection with residual, norm, gate; and the expert that every row visits. Prefill and decode rows are
/// treated alike. Belongs to the node loop; allocates nothing.
/// </summary>
public sealed class AttentionLayer
{
    private readonly KernelContext _context;
    private readonly StepMemory _memory;
    private readonly LayerWeights _weights;
    private readonly Norm _attentionNorm;
    private readonly IAttention _attention;
    private readonly Norm _ffnNorm;
    private readonly Gate? _gate;
    private readonly SharedExpert? _shared;
    private readonly Combine _combine;

    public AttentionLayer(KernelContext context, AttentionWeights weights, int layer, StepMemory memory, KvMemory kv)
    {
        ModelSpec spec = weights.Spec;
        _context = context;
        _memory = memory;
        _weights = weights.Layers[layer];
        _attentionNorm = new Norm(context, spec, _weights.AttentionNorm);
        var rope = new Rope(context, spec, weights.Rope, memory);
        var paged = new PagedAttention(context, spec, layer, _weights.Sinks, memory, kv);
        _attention = _weights.Projections switch
        {
            GroupedProjections grouped => new GroupedAttention(context, spec, grouped, rope, paged, memory),
            LatentProjections latent => new LatentAttention(context, spec, latent, weights.RotatedCopy!, rope, paged, memory),
            _ => throw new InvalidOperationException($"There is no attention for {_weights.Projections.GetType().Name}."),
        };
        _ffnNorm = new Norm(context, spec, _weights.FfnNorm);
        _gate = _weights.Gate is null ? null : new Gate(context, spec.Router, _weights.Gate, memory);
        _shared = _weights.Shared is null ? null : new SharedExpert(context, _weights.Shared, memory);
        _combine = new Combine(context, memory);
    }

    /// <summary>It has no routed experts: nothing is dispatched, and <see cref="AddDense"/> takes the place of combine.</summary>
    public bool IsDense => _gate is null;

    /// <summary>
    /// From hidden rows to the rows that experts see and their routing; the hidden rows have the attention's result added. Keys and values of the
    /// micro-batch's rows are in the cache afterwards.
    /// </summary>
    public void Forward(MicroBatch microBatch)
    {
        _attentionNorm.Forward(_memory.Hidden.At(microBatch), _memory.Normed.At(microBatch), microBatch.RowCount);
        _attention.Forward(microBatch);
        ProjectOutput(microBatch);
        _ffnNorm.Forward(_memory.Hidden.At(microBatch), _memory.Normed.At(microBatch), microBatch.RowCount);
        _gate?.Forward(microBatch);
    }

    /// <summary>The expert that every row visits, if there is one: a shared expert, or the FFN of a dense layer.</summary>
    public void VisitShared(MicroBatch microBatch) => _shared?.Forward(microBatch);

    /// <summary>Adds a dense layer's FFN to the hidden rows.</summary>
    public void AddDense(MicroBatch microBatch) => _combine.AddDense(microBatch);

    // attended [row, output input width] -> hidden [row, hidden] += projection
    private void ProjectOutput(MicroBatch microBatch) => _context.Gemm(_weights.Output, new GemmArgs
    {
        In = _memory.Attended.At(microBatch),
        Bias = _weights.OutputBias?.Address ?? DeviceAddress.Null,
        Residual = _memory.Hidden.At(microBatch),
        Out = _memory.Hidden.At(microBatch),
        Rows = microBatch.RowCount,
        InStride = _memory.Attended.Width,
        ResidualStride = _memory.Hidden.Width,
        OutStride = _memory.Hidden.Width,
    });
}

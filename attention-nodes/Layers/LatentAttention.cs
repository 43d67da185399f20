using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>
/// Multi-head latent attention, absorbed: a position caches one normed latent and one rotated key part for all heads. q . (W_k c) is computed as (W_k^T q) . c, and
/// sum of share x (W_v c) as W_v (sum of share x c), so that no key or value of a head is ever made.
/// </summary>
internal sealed class LatentAttention : IAttention
{
    private readonly KernelContext _context;
    private readonly LatentAttentionSpec _spec;
    private readonly LatentProjections _weights;
    private readonly PackedWeight _rotatedCopy;
    private readonly PartNorm? _queryDownNorm;
    private readonly PartNorm _kvDownNorm;
    private readonly Rope _rope;
    private readonly PagedAttention _paged;
    private readonly StepMemory _memory;
    private readonly LatentRows _rows;

    public LatentAttention(
        KernelContext context, ModelSpec spec, LatentProjections weights, PackedWeight rotatedCopy, Rope rope, PagedAttention paged, StepMemory memory)
    {
        _context = context;
        _spec = (LatentAttentionSpec)spec.Attention;
        _weights = weights;
        _rotatedCopy = rotatedCopy;
        _queryDownNorm = weights.QueryDownNorm is null ? null : new PartNorm(context, weights.QueryDownNorm, _spec.NormEpsilon);
        _kvDownNorm = new PartNorm(context, weights.KvDownNorm, _spec.NormEpsilon);
        _rope = rope;
        _paged = paged;
        _memory = memory;
        _rows = memory.Latent!;
    }

    public void Forward(MicroBatch microBatch)
    {
        MakeQueries(microBatch);
        Absorb(microBatch);
        MakeKeys(microBatch);
        _paged.Write(microBatch, _rows.Keys.At(microBatch), DeviceAddress.Null, _rows.Keys.Width);
        _paged.Attend(microBatch, _rows.Absorbed.At(microBatch), _rows.Absorbed.Width, _rows.Latents);
        LeaveLatents(microBatch);
    }

    // normed [row, hidden] -> queries [row, heads, nope | rope], the second part rotated
    private void MakeQueries(MicroBatch microBatch)
    {
        if (_weights.QueryDown is null)
        {
            Project(microBatch, _weights.QueryUp, _memory.Normed, _rows.Queries);
        }
        else
        {
            Project(microBatch, _weights.QueryDown, _memory.Normed, _rows.QueryDown);
            _queryDownNorm!.Forward(_rows.QueryDown.At(microBatch), microBatch.RowCount, _spec.QueryRank, _rows.QueryDown.Width);
            Project(microBatch, _weights.QueryUp, _rows.QueryDown, _rows.Queries);
        }

        _rope.Forward(microBatch, _rows.Queries.At(microBatch, _spec.NopeDim), _spec.HeadCount, _spec.QueryHeadDim, _rows.Queries.Width);
    }

    // queries [row, heads, nope | rope] -> [row, heads, latent | rope]
    private void Absorb(MicroBatch microBatch)
    {
        _context.GemmHeads(_weights.QueryAbsorb, new GemmHeadsArgs
        {
            In = _rows.Queries.At(microBatch),
            Out = _rows.Absorbed.At(microBatch),
            Rows = microBatch.RowCount,
            InStride = _rows.Queries.Width,
            InHeadStride = _spec.QueryHeadDim,
            OutStride = _rows.Absorbed.Width,
            OutHeadStride = _spec.KeyDim,
        });
        // Heads lie one behind the other, so each is a row of its own here; 1 x a number plus zeros is that number.
        _context.Gemm(_rotatedCopy, new GemmArgs
        {
            In = _rows.Queries.At(microBatch, _spec.NopeDim),
            Out = _rows.Absorbed.At(microBatch, _spec.KvRank),
            Rows = microBatch.RowCount * _spec.HeadCount,
            InStride = _spec.QueryHeadDim,
            OutStride = _spec.KeyDim,
        });
    }

    // normed [row, hidden] -> keys [row, latent | rope], the first part normed, the second rotated
    private void MakeKeys(MicroBatch microBatch)
    {
        Project(microBatch, _weights.KvDown, _memory.Normed, _rows.Keys);
        _kvDownNorm.Forward(_rows.Keys.At(microBatch), microBatch.RowCount, _spec.KvRank, _rows.Keys.Width);
        _rope.Forward(microBatch, _rows.Keys.At(microBatch, _spec.KvRank), 1, _spec.RopeDim, _rows.Keys.Width);
    }

    // latents [row, heads, KV rank] -> attended [row, heads, value head dim]
    private void LeaveLatents(MicroBatch microBatch) => _context.GemmHeads(_weights.ValueUp, new GemmHeadsArgs
    {
        In = _rows.Latents.At(microBatch),
        Out = _memory.Attended.At(microBatch),
        Rows = microBatch.RowCount,
        InStride = _rows.Latents.Width,
        InHeadStride = _spec.KvRank,
        OutStride = _memory.Attended.Width,
        OutHeadStride = _spec.ValueHeadDim,
    });

    private void Project(MicroBatch microBatch, PackedWeight weight, StepRows from, StepRows to) => _context.Gemm(weight, new GemmArgs
    {
        In = from.At(microBatch),
        Out = to.At(microBatch),
        Rows = microBatch.RowCount,
        InStride = from.Width,
        OutStride = to.Width,
    });
}

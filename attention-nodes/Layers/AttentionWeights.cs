using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>One version of what an attention node computes with: embedding, every layer's attention side, final norm and LM head. Immutable.</summary>
public sealed class AttentionWeights : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private AttentionWeights(ModelSpec spec, WeightVersion version)
    {
        Spec = spec;
        Version = version;
    }

    public ModelSpec Spec { get; }

    public WeightVersion Version { get; }

    /// <summary>[vocabulary, hidden] of <see cref="EmbeddingType"/>.</summary>
    public DeviceBuffer Embedding { get; private set; } = null!;

    public WeightType EmbeddingType { get; private set; }

    /// <summary>[layers]</summary>
    public IReadOnlyList<LayerWeights> Layers { get; private set; } = [];

    /// <summary>[hidden] fp32</summary>
    public DeviceBuffer FinalNorm { get; private set; } = null!;

    /// <summary>[vocabulary, hidden]</summary>
    public PackedWeight LmHead { get; private set; } = null!;

    /// <summary>[context, rotary dim] fp32: cosines, then sines.</summary>
    public DeviceBuffer Rope { get; private set; } = null!;

    /// <summary>Memory that all of it takes.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Packs the attention role's tensors, one layer at a time, and gives their source pages back. The checkpoint is not needed afterwards. The caller
    /// must be the only user of <paramref name="context"/> meanwhile.
    /// </summary>
    /// <exception cref="KernelException">Memory is short.</exception>
    /// <exception cref="OperationCanceledException">Nothing stays loaded.</exception>
    public static AttentionWeights Load(
        Checkpoint checkpoint, KernelContext context, NumberType type, WeightVersion version, CancellationToken cancel = default)
    {
        var weights = new AttentionWeights(checkpoint.Spec, version);
        try
        {
            weights.Fill(new WeightPacker(checkpoint, context, type), cancel);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        _owned.Clear();
    }

    private void Fill(WeightPacker packer, CancellationToken cancel)
    {
        TensorNames names = packer.Names;
        Embedding = Own(packer.Copy(names.Embedding));
        EmbeddingType = packer.TypeOf(names.Embedding);
        var layers = new List<LayerWeights>(Spec.LayerCount);
        for (int layer = 0; layer < Spec.LayerCount; layer++)
        {
            cancel.ThrowIfCancellationRequested();
            layers.Add(Own(packer.PackLayer(layer)));
        }

        Layers = layers;
        FinalNorm = Own(packer.Widen(names.FinalNorm));
        LmHead = Own(packer.Pack([names.LmHead]));
        Rope = Own(packer.Upload(RopeTable.Build(Spec.Rope, Spec.ContextLength)));
        Bytes = Embedding.Bytes + layers.Sum(layer => layer.Bytes) + FinalNorm.Bytes + LmHead.Bytes + Rope.Bytes;
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Add(part);
        return part;
    }
}

using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>One version of what an attention node computes with: embedding, every layer's attention side, final norm and LM head. Immutable.</summary>
public sealed class AttentionWeights : IDisposable
{
    private readonly WeightPacker _packer;

    private AttentionWeights(Checkpoint checkpoint, WeightPacker packer, WeightVersion version, CancellationToken cancel)
    {
        _packer = packer;
        Spec = checkpoint.Spec;
        Version = version;
        CheckpointTensor embedding = checkpoint.Tensor(checkpoint.Names.Embedding);
        Embedding = packer.Copy(embedding);
        EmbeddingType = (WeightType)embedding.NumberType;
        Rope = packer.Upload(RopeTable.Build(Spec.Rope, Spec.ContextLength));
        RotatedCopy = Spec.Attention is LatentAttentionSpec latent ? packer.Identity(latent.RopeDim) : null;
        var layers = new List<LayerWeights>(Spec.LayerCount);
        for (int layer = 0; layer < Spec.LayerCount; layer++)
        {
            cancel.ThrowIfCancellationRequested();
            layers.Add(LayerWeights.Pack(packer, checkpoint.Layer(layer), Spec, layer));
        }

        Layers = layers;
        FinalNorm = packer.Upload(checkpoint.Tensor(checkpoint.Names.FinalNorm).ToFloat32());
        LmHead = packer.PackHead(MatrixView.Whole(checkpoint.Tensor(checkpoint.Names.LmHead)));
    }

    public ModelSpec Spec { get; }

    public WeightVersion Version { get; }

    /// <summary>[vocabulary, hidden] of <see cref="EmbeddingType"/>.</summary>
    public DeviceBuffer Embedding { get; }

    public WeightType EmbeddingType { get; }

    /// <summary>[layers]</summary>
    public IReadOnlyList<LayerWeights> Layers { get; }

    /// <summary>[hidden] fp32</summary>
    public DeviceBuffer FinalNorm { get; }

    /// <summary>[vocabulary, hidden]</summary>
    public PackedWeight LmHead { get; }

    /// <summary>[context, rotary dim] fp32: cosines, then sines.</summary>
    public DeviceBuffer Rope { get; }

    /// <summary>The identity [rope, rope]: puts a head's rotated part beside what was absorbed. Null where attention is grouped.</summary>
    public PackedWeight? RotatedCopy { get; }

    /// <summary>Memory that all of it takes.</summary>
    public long Bytes => _packer.Bytes;

    /// <summary>What matrices are packed as, routers and gates apart: they are never narrowed.</summary>
    public IReadOnlyCollection<NumberType> Types => _packer.Types;

    /// <summary>
    /// Packs the attention role's tensors, one layer at a time, and gives their source pages back. The checkpoint is not needed afterwards. The caller
    /// must be the only user of <paramref name="context"/> meanwhile.
    /// </summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="context">Computes with them.</param>
    /// <param name="type">Type of packed matrices; null: as each is stored.</param>
    /// <param name="version">What dispatches will call them.</param>
    /// <param name="cache">Where packed weights are kept; owned from here on. Null: nowhere.</param>
    /// <param name="cancel">Nothing stays loaded.</param>
    /// <exception cref="KernelException">Memory is short.</exception>
    /// <exception cref="OperationCanceledException">Nothing stays loaded.</exception>
    public static AttentionWeights Load(
        Checkpoint checkpoint, KernelContext context, NumberType? type, WeightVersion version, PackedCache? cache = null, CancellationToken cancel = default)
    {
        var packer = new WeightPacker(context, type, cache);
        try
        {
            return new AttentionWeights(checkpoint, packer, version, cancel);
        }
        catch
        {
            packer.Dispose();
            throw;
        }
    }

    /// <summary>Finishes in the background, beside their use, what loading left over: see <see cref="PackedCache.StartSettling"/>. Once.</summary>
    public void StartSettling() => _packer.StartSettling();

    /// <summary>What settling has not come to. Any thread.</summary>
    public long UnsettledBytes => _packer.UnsettledBytes;

    public void Dispose() => _packer.Dispose();
}

using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// One layer's weights where they lie in a checkpoint, by what they do: the same for every family, whatever its names and layouts. Matrices are views, mapped when read
/// and given back by their <c>Release</c>; vectors are read whole, as fp32. Any thread may call.
/// </summary>
public sealed class LayerTensors
{
    private readonly Checkpoint _checkpoint;
    private readonly TensorPatterns _patterns;
    private readonly ModelSpec _spec;
    private readonly int _layer;

    internal LayerTensors(Checkpoint checkpoint, int layer)
    {
        _checkpoint = checkpoint;
        _patterns = checkpoint.Names.Patterns;
        _spec = checkpoint.Spec;
        _layer = layer;
    }

    // ---- attention ----

    /// <summary>[hidden]</summary>
    public float[] AttentionNorm() => Vector(_patterns.AttentionNorm);

    /// <summary>Grouped attention: query, key and value projections to be stacked by rows: [query width + 2 x KV width, hidden].</summary>
    public IReadOnlyList<MatrixView> Qkv() => [.. QkvNames().Select(Matrix)];

    /// <summary>Grouped attention: [query width + 2 x KV width]; null where there is none.</summary>
    public float[]? QkvBias() => Grouped.HasQkvBias ? [.. QkvNames().SelectMany(name => Vector(TensorNames.BiasOf(name)))] : null;

    /// <summary>Grouped attention: [head dim] or [query width], by the spec's head norm; null where there is none.</summary>
    public float[]? QueryNorm() => Grouped.HeadNorm == HeadNorm.None ? null : Vector(_patterns.QueryNorm);

    /// <summary>Grouped attention: [head dim] or [KV width]; null where there is none.</summary>
    public float[]? KeyNorm() => Grouped.HeadNorm == HeadNorm.None ? null : Vector(_patterns.KeyNorm);

    /// <summary>Latent attention: [query rank, hidden]; null where queries come straight from the row.</summary>
    public MatrixView? QueryDown() => Latent.QueryRank == 0 ? null : Matrix(_patterns.QueryDown);

    /// <summary>Latent attention: [query rank], as <see cref="QueryDown"/>.</summary>
    public float[]? QueryDownNorm() => Latent.QueryRank == 0 ? null : Vector(_patterns.QueryDownNorm);

    /// <summary>Latent attention: [heads x (nope + rope), query rank or hidden].</summary>
    public MatrixView QueryUp() => Matrix(Latent.QueryRank == 0 ? _patterns.Query : _patterns.QueryUp);

    /// <summary>Latent attention: [KV rank + rope, hidden]: the latent, then the key part that rotates.</summary>
    public MatrixView KvDown() => Matrix(_patterns.KvDown);

    /// <summary>Latent attention: [KV rank]; norms the latent only.</summary>
    public float[] KvDownNorm() => Vector(_patterns.KvDownNorm);

    /// <summary>Latent attention: takes a head's unrotated query into the latent space: [KV rank, nope], a transposed part of the checkpoint's key up-projection.</summary>
    public MatrixView QueryAbsorb(int head) => KvUp(head, 0, Latent.NopeDim).Transposed();

    /// <summary>Latent attention: takes a head's attended latent out: [value head dim, KV rank].</summary>
    public MatrixView ValueUp(int head) => KvUp(head, Latent.NopeDim, Latent.ValueHeadDim);

    /// <summary>[heads]; null where there are none.</summary>
    public float[]? Sinks() => _spec.Attention.HasSinks ? Vector(_patterns.Sinks) : null;

    /// <summary>[hidden, output input width]</summary>
    public MatrixView Output() => Matrix(_patterns.Output);

    /// <summary>[hidden]; null where there is none.</summary>
    public float[]? OutputBias() => _spec.Attention.HasOutputBias ? Vector(TensorNames.BiasOf(_patterns.Output)) : null;

    // ---- FFN ----

    /// <summary>[hidden]</summary>
    public float[] FfnNorm() => Vector(_patterns.FfnNorm);

    /// <summary>[experts, hidden]; layers with experts only.</summary>
    public MatrixView Router() => Matrix(_patterns.Router);

    /// <summary>[experts]; null where there is none.</summary>
    public float[]? RouterBias() => _spec.Router.HasBias ? Vector(TensorNames.BiasOf(_patterns.Router)) : null;

    /// <summary>[experts]; null where there is none.</summary>
    public float[]? RouterCorrection() => _spec.Router.HasCorrection ? Vector(_patterns.RouterCorrection) : null;

    /// <summary>A routed expert; layers with experts only.</summary>
    public ExpertMatrices Expert(ExpertId expert) => new ExpertParts(_checkpoint, _layer, expert).All();

    /// <summary>Null where the model has none; layers with experts only.</summary>
    public ExpertMatrices? SharedExpert() => _spec.SharedExpert is null ? null : GatedFfn(_patterns.SharedExpert);

    /// <summary>[1, hidden]: the shared expert's gate; null where there is none.</summary>
    public MatrixView? SharedExpertGate() => _spec.SharedExpert is { HasGate: true } ? Matrix(_patterns.SharedExpertGate) : null;

    /// <summary>A dense layer's FFN.</summary>
    public ExpertMatrices Dense() => GatedFfn(_patterns.Dense);

    private GroupedAttentionSpec Grouped => (GroupedAttentionSpec)_spec.Attention;

    private LatentAttentionSpec Latent => (LatentAttentionSpec)_spec.Attention;

    private string[] QkvNames() => _patterns.FusedQkv is { } fused ? [fused] : [_patterns.Query, _patterns.Key, _patterns.Value];

    // The tensor holds for each head its key rows, then its value rows: [heads x (nope + value head dim), KV rank].
    private MatrixView KvUp(int head, int firstRow, int rows) =>
        Matrix(_patterns.KvUp).Slice((head * (Latent.NopeDim + Latent.ValueHeadDim)) + firstRow, rows);

    private ExpertMatrices GatedFfn(string module) =>
        new(Matrix($"{module}.gate_proj.weight"), Matrix($"{module}.up_proj.weight"), Matrix($"{module}.down_proj.weight"));

    private float[] Vector(string pattern) => _checkpoint.Tensor(TensorNames.Name(pattern, _layer)).ToFloat32();

    private MatrixView Matrix(string pattern) => MatrixView.Whole(_checkpoint.Tensor(TensorNames.Name(pattern, _layer)));
}

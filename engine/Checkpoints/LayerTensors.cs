using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// One layer's weights where they lie in a checkpoint, by what they do: the same for every family, whatever its names and layouts. Matrices are views, mapped when read
/// and given back by their <c>Release</c>; vectors are read whole, as fp32. Any thread may call.
/// </summary>
public sealed class LayerTensors
{
    private readonly Checkpoint _checkpoint;
    private readonly TensorNames _names;
    private readonly int _layer;

    internal LayerTensors(Checkpoint checkpoint, int layer)
    {
        _checkpoint = checkpoint;
        _names = checkpoint.Names;
        _layer = layer;
    }

    // ---- attention ----

    /// <summary>[hidden]</summary>
    public float[] AttentionNorm() => Vector(_names.AttentionNorm(_layer));

    /// <summary>Grouped attention: query, key and value projections to be stacked by rows: [query width + 2 x KV width, hidden].</summary>
    public IReadOnlyList<MatrixView> Qkv() => [Matrix(_names.Query(_layer)), Matrix(_names.Key(_layer)), Matrix(_names.Value(_layer))];

    /// <summary>Grouped attention: [query width + 2 x KV width]; null where there is none.</summary>
    public float[]? QkvBias() => throw new NotImplementedException();

    /// <summary>Grouped attention: [head dim] or [query width], by the spec's head norm; null where there is none.</summary>
    public float[]? QueryNorm() => Grouped.HeadNorm == HeadNorm.None ? null : Vector(_names.QueryNorm(_layer));

    /// <summary>Grouped attention: [head dim] or [KV width]; null where there is none.</summary>
    public float[]? KeyNorm() => Grouped.HeadNorm == HeadNorm.None ? null : Vector(_names.KeyNorm(_layer));

    /// <summary>Latent attention: [query rank, hidden]; null where queries come straight from the row.</summary>
    public MatrixView? QueryDown() => throw new NotImplementedException();

    /// <summary>Latent attention: [query rank], as <see cref="QueryDown"/>.</summary>
    public float[]? QueryDownNorm() => throw new NotImplementedException();

    /// <summary>Latent attention: [heads x (nope + rope), query rank or hidden].</summary>
    public MatrixView QueryUp() => throw new NotImplementedException();

    /// <summary>Latent attention: [KV rank + rope, hidden]: the latent, then the key part that rotates.</summary>
    public MatrixView KvDown() => throw new NotImplementedException();

    /// <summary>Latent attention: [KV rank]; norms the latent only.</summary>
    public float[] KvDownNorm() => throw new NotImplementedException();

    /// <summary>Latent attention: takes a head's unrotated query into the latent space: [KV rank, nope], a transposed part of the checkpoint's key up-projection.</summary>
    public MatrixView QueryAbsorb(int head) => throw new NotImplementedException();

    /// <summary>Latent attention: takes a head's attended latent out: [value head dim, KV rank].</summary>
    public MatrixView ValueUp(int head) => throw new NotImplementedException();

    /// <summary>[heads]; null where there are none.</summary>
    public float[]? Sinks() => throw new NotImplementedException();

    /// <summary>[hidden, output input width]</summary>
    public MatrixView Output() => Matrix(_names.Output(_layer));

    /// <summary>[hidden]; null where there is none.</summary>
    public float[]? OutputBias() => throw new NotImplementedException();

    // ---- FFN ----

    /// <summary>[hidden]</summary>
    public float[] FfnNorm() => Vector(_names.FfnNorm(_layer));

    /// <summary>[experts, hidden]; layers with experts only.</summary>
    public MatrixView Router() => Matrix(_names.Router(_layer));

    /// <summary>[experts]; null where there is none.</summary>
    public float[]? RouterBias() => throw new NotImplementedException();

    /// <summary>[experts]; null where there is none.</summary>
    public float[]? RouterCorrection() => throw new NotImplementedException();

    /// <summary>A routed expert; layers with experts only.</summary>
    public ExpertMatrices Expert(ExpertId expert) => new(
        Matrix(_names.ExpertGate(_layer, expert)), Matrix(_names.ExpertUp(_layer, expert)), Matrix(_names.ExpertDown(_layer, expert)));

    /// <summary>Null where the model has none; layers with experts only.</summary>
    public ExpertMatrices? SharedExpert() => throw new NotImplementedException();

    /// <summary>[1, hidden]: the shared expert's gate; null where there is none.</summary>
    public MatrixView? SharedExpertGate() => throw new NotImplementedException();

    /// <summary>A dense layer's FFN.</summary>
    public ExpertMatrices Dense() => throw new NotImplementedException();

    private GroupedAttentionSpec Grouped => (GroupedAttentionSpec)_checkpoint.Spec.Attention;

    private float[] Vector(string name) => _checkpoint.Tensor(name).ToFloat32();

    private MatrixView Matrix(string name) => MatrixView.Whole(_checkpoint.Tensor(name));
}

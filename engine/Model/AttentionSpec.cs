namespace MegaInfer.Engine.Model;

/// <summary>A layer's attention: <see cref="GroupedAttentionSpec"/> or <see cref="LatentAttentionSpec"/>. What the KV cache and the kernels need of either is here.</summary>
/// <param name="HeadCount">Query heads.</param>
public abstract record AttentionSpec(int HeadCount)
{
    /// <summary>KV heads in the cache; divides HeadCount. Query head h reads KV head h / (HeadCount / KvHeadCount).</summary>
    public abstract int KvHeadCount { get; init; }

    /// <summary>Width of a query head as it meets the cache, and of a cached key.</summary>
    public abstract int KeyDim { get; }

    /// <summary>Width of a value as it leaves the cache.</summary>
    public abstract int ValueDim { get; }

    /// <summary>A cached position has no value of its own: it is the first <see cref="ValueDim"/> components of its key.</summary>
    public abstract bool IsLatent { get; }

    /// <summary>Scores are multiplied by it.</summary>
    public abstract float Scale { get; }

    /// <summary>Width of the row that the output projection takes.</summary>
    public abstract int OutputInputWidth { get; }

    /// <summary>Numbers cached for a position in one layer.</summary>
    public int CachedWidth => KvHeadCount * (IsLatent ? KeyDim : KeyDim + ValueDim);

    /// <summary>The output projection has a bias.</summary>
    public bool HasOutputBias { get; init; }

    /// <summary>Each head has a learned score that takes part in the softmax and has no value.</summary>
    public bool HasSinks { get; init; }
}

/// <summary>Grouped-query attention.</summary>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KvHeadCount">Key and value heads; divides HeadCount.</param>
/// <param name="HeadDim">Width of a head.</param>
public sealed record GroupedAttentionSpec(int HeadCount, int KvHeadCount, int HeadDim) : AttentionSpec(HeadCount)
{
    public override int KvHeadCount { get; init; } = KvHeadCount;

    /// <summary>RMSNorm of queries and keys before rope.</summary>
    public HeadNorm HeadNorm { get; init; }

    /// <summary>The q, k and v projections have a bias.</summary>
    public bool HasQkvBias { get; init; }

    /// <summary>Queries, keys and values are clamped to +-ClipQkv, after the head norm; 0: not.</summary>
    public float ClipQkv { get; init; }

    public int QueryWidth => HeadCount * HeadDim;

    public int KvWidth => KvHeadCount * HeadDim;

    public override int KeyDim => HeadDim;

    public override int ValueDim => HeadDim;

    public override bool IsLatent => false;

    public override float Scale => 1f / MathF.Sqrt(HeadDim);

    public override int OutputInputWidth => QueryWidth;
}

/// <summary>Where queries and keys are normed.</summary>
public enum HeadNorm
{
    None = 0,

    /// <summary>Each head by itself, with one weight of a head's width (Qwen3).</summary>
    PerHead = 1,

    /// <summary>The projection's whole row, all heads together (OLMoE).</summary>
    WholeRow = 2,
}

/// <summary>
/// Multi-head latent attention in its absorbed form (DeepSeek-V2, arXiv 2405.04434, section 2.1): a position caches one latent of KvRank numbers, normed, and one rotated
/// key part of RopeDim numbers; queries are taken into the latent space by the key up-projection, and attended latents leave it by the value up-projection.
/// </summary>
/// <param name="HeadCount">Query heads.</param>
/// <param name="QueryRank">Queries come through a normed latent of this width; 0: straight from the row.</param>
/// <param name="KvRank">Width of the cached latent.</param>
/// <param name="NopeDim">Components of a query head that do not rotate.</param>
/// <param name="RopeDim">Components that rotate; they follow the others.</param>
/// <param name="ValueHeadDim">Width of a head after the value up-projection.</param>
/// <param name="ScaleFactor">Multiplies 1 / sqrt(NopeDim + RopeDim): YaRN's mscale squared, or 1.</param>
public sealed record LatentAttentionSpec(int HeadCount, int QueryRank, int KvRank, int NopeDim, int RopeDim, int ValueHeadDim, float ScaleFactor)
    : AttentionSpec(HeadCount)
{
    public override int KvHeadCount { get; init; } = 1;

    /// <summary>Epsilon of the latents' norms, which DeepSeek's code keeps apart from the model's own.</summary>
    public float NormEpsilon { get; init; } = 1e-6f;

    /// <summary>Width of a query head before it is taken into the latent space.</summary>
    public int QueryHeadDim => NopeDim + RopeDim;

    public override int KeyDim => KvRank + RopeDim;

    public override int ValueDim => KvRank;

    public override bool IsLatent => true;

    public override float Scale => (float)(ScaleFactor / Math.Sqrt(QueryHeadDim));

    public override int OutputInputWidth => HeadCount * ValueHeadDim;
}

using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>The shape of a random-weight model. The defaults are a tiny Qwen3-MoE that runs anywhere in milliseconds. What a family does not have is ignored.</summary>
public sealed record RandomModelOptions
{
    /// <summary>A <c>model_type</c> of the family table.</summary>
    public string Family { get; init; } = "qwen3_moe";

    public int HiddenSize { get; init; } = 64;

    public int LayerCount { get; init; } = 2;

    public int HeadCount { get; init; } = 4;

    public int KvHeadCount { get; init; } = 2;

    /// <summary>Even.</summary>
    public int HeadDim { get; init; } = 16;

    /// <summary>Sizes of latent attention, for families that have it.</summary>
    public RandomLatentOptions Latent { get; init; } = new();

    public int ExpertCount { get; init; } = 8;

    public int ExpertsPerToken { get; init; } = 2;

    public int ExpertWidth { get; init; } = 48;

    /// <summary>The shared expert's width in widths of a routed one.</summary>
    public int SharedExperts { get; init; } = 1;

    /// <summary>Groups of experts, half of which (rounded up) are chosen from.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The first layers, which have a plain FFN.</summary>
    public int DenseLayers { get; init; }

    public int DenseWidth { get; init; } = 128;

    /// <summary>Sliding window; 0: none, or the family's usual one where it must have one.</summary>
    public int Window { get; init; }

    /// <summary>From 259 on, the folder gets a byte-level tokenizer and a chat template, so that it can be served.</summary>
    public int VocabularySize { get; init; } = 512;

    public int ContextLength { get; init; } = 512;

    public float RopeTheta { get; init; } = 10_000f;

    /// <summary>The same options and seed give the same bytes.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Of everything that is not quantised.</summary>
    public NumberType NumberType { get; init; } = NumberType.BFloat16;

    /// <summary>Float8E4M3: projections are FP8. MxFloat4: the experts of a family that has it are 4-bit numbers. Null: nothing is quantised.</summary>
    public NumberType? Quantized { get; init; }

    public bool HasTiedEmbeddings { get; init; }

    /// <summary>
    /// The head gives 0 to every id that is no text by itself (bytes beyond ASCII, special tokens), so that greedy sequences are valid UTF-8 and do not end early: some
    /// servers break a stream off otherwise. Only where there is a tokenizer and the head is not the embedding table.
    /// </summary>
    public bool HasTextHead { get; init; }

    /// <summary>Chosen router weights are divided by their sum; families that always do ignore it.</summary>
    public bool IsRouterNormalized { get; init; } = true;

    /// <summary>A new shard starts before this many bytes are exceeded; 0 writes a single file.</summary>
    public long ShardBytes { get; init; }
}

/// <summary>Sizes of a random model's latent attention.</summary>
public sealed record RandomLatentOptions
{
    /// <summary>0: queries come straight from the row.</summary>
    public int QueryRank { get; init; } = 32;

    public int KvRank { get; init; } = 32;

    public int NopeDim { get; init; } = 16;

    /// <summary>Even.</summary>
    public int RopeDim { get; init; } = 8;

    public int ValueHeadDim { get; init; } = 16;
}

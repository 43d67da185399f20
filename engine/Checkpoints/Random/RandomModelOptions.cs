using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>The shape of a random-weight model. The defaults are a tiny Qwen3-MoE that runs anywhere in milliseconds.</summary>
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

    public int ExpertCount { get; init; } = 8;

    public int ExpertsPerToken { get; init; } = 2;

    public int ExpertWidth { get; init; } = 48;

    /// <summary>From 259 on, the folder gets a byte-level tokenizer and a chat template, so that it can be served.</summary>
    public int VocabularySize { get; init; } = 512;

    public int ContextLength { get; init; } = 512;

    public float RopeTheta { get; init; } = 10_000f;

    /// <summary>The same options and seed give the same bytes.</summary>
    public ulong Seed { get; init; } = 1;

    public NumberType NumberType { get; init; } = NumberType.BFloat16;

    public bool HasTiedEmbeddings { get; init; }

    /// <summary>Chosen router weights are divided by their sum; families that always do ignore it.</summary>
    public bool IsRouterNormalized { get; init; } = true;

    /// <summary>A new shard starts before this many bytes are exceeded; 0 writes a single file.</summary>
    public long ShardBytes { get; init; }
}

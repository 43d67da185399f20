namespace MegaInfer.Rl.Pretraining;

/// <summary>Sizes of a small Qwen3-MoE model: all layers sparse, embeddings tied.</summary>
/// <param name="VocabularySize">Number of token ids.</param>
public sealed record ModelShape(int VocabularySize)
{
    /// <summary>Width of a row.</summary>
    public int HiddenSize { get; init; } = 128;

    /// <summary>Number of layers.</summary>
    public int LayerCount { get; init; } = 4;

    /// <summary>Query heads.</summary>
    public int QueryHeads { get; init; } = 4;

    /// <summary>Key and value heads; each serves <c>QueryHeads / KeyValueHeads</c> query heads.</summary>
    public int KeyValueHeads { get; init; } = 2;

    /// <summary>Width of a head; the attention code is written for 32.</summary>
    public const int HeadSize = 32;

    /// <summary>Experts of a layer.</summary>
    public int ExpertCount { get; init; } = 16;

    /// <summary>Experts that see a token; the expert code is written for two.</summary>
    public const int ExpertsPerToken = 2;

    /// <summary>Inner width of an expert.</summary>
    public int ExpertSize { get; init; } = 64;

    /// <summary>Base of the rotary position angles.</summary>
    public const double RopeTheta = 10_000;

    /// <summary>Added to the mean square in every norm.</summary>
    public const float NormEpsilon = 1e-6f;

    /// <summary>Longest context the model declares, in tokens.</summary>
    public const int MaxPositions = 1024;

    /// <summary>Width of the joined query, key and value rows.</summary>
    public int JoinedSize => (QueryHeads + (2 * KeyValueHeads)) * HeadSize;
}

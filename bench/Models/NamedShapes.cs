using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints.Random;

namespace MegaInfer.Bench.Models;

/// <summary>Model shapes that measurements are quoted for.</summary>
internal static class NamedShapes
{
    private static readonly Dictionary<string, RandomModelOptions> Shapes = new(StringComparer.Ordinal)
    {
        // Many small experts: a billion parameters, about 177 million of them used by a token.
        ["bench-a"] = new RandomModelOptions
        {
            Family = "qwen3_moe",
            HiddenSize = 1024,
            LayerCount = 12,
            HeadCount = 16,
            KvHeadCount = 4,
            HeadDim = 64,
            ExpertCount = 64,
            ExpertsPerToken = 8,
            ExpertWidth = 384,
            VocabularySize = 32000,
            ContextLength = 4096,
        },

        // Few large experts: 0.8 billion parameters, about 230 million of them used by a token.
        ["bench-b"] = new RandomModelOptions
        {
            Family = "mixtral",
            HiddenSize = 1024,
            LayerCount = 8,
            HeadCount = 16,
            KvHeadCount = 4,
            HeadDim = 64,
            ExpertCount = 8,
            ExpertsPerToken = 2,
            ExpertWidth = 3584,
            VocabularySize = 32000,
            ContextLength = 4096,
        },

        // Attention and experts cost about the same, and the output head next to nothing; `bench pingpong` adjusts the expert width.
        ["pingpong"] = new RandomModelOptions
        {
            Family = "qwen3_moe",
            HiddenSize = 512,
            LayerCount = 8,
            HeadCount = 8,
            KvHeadCount = 4,
            HeadDim = 64,
            ExpertCount = 8,
            ExpertsPerToken = 2,
            ExpertWidth = 256,
            VocabularySize = 512,
            ContextLength = 1024,
        },
    };

    internal static string Names => string.Join(", ", Shapes.Keys);

    /// <exception cref="MegaInferException">No such shape.</exception>
    internal static RandomModelOptions Find(string name) => Shapes.TryGetValue(name, out RandomModelOptions? shape)
        ? shape
        : throw new MegaInferException($"There is no shape named '{name}'; known: {Names}.");
}

using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Micro;

/// <summary>What the component benchmarks take for a model: a vocabulary of the usual size, and a context that no benchmark fills.</summary>
internal static class MicroModel
{
    public const int Vocabulary = 32_000;

    public static ModelSpec Spec { get; } = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 1024,
        Layers = LayerSpec.Alike(12),
        VocabularySize = Vocabulary,
        ContextLength = 1 << 20,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = true,
        Attention = new GroupedAttentionSpec(16, 4, 64) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(10_000f, 64),
        Router = new RouterSpec(64, 8, IsNormalized: true),
        Experts = new ExpertSpec(384),
        EosTokenIds = [2],
    };

    /// <summary>The folder of the model that ships with the project, found upwards from the program.</summary>
    public static string ShippedModel()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? "", "models", "megainfer-mini");
    }
}

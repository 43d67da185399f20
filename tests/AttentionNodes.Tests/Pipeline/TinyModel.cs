using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Kernels;
using MegaInfer.Rl.Tests.Oracle.Tiny;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>A random-weight model of a few layers, loaded for the kernels and as the plain reference. Made once for a test class.</summary>
public sealed class TinyModel : IDisposable
{
    public const int ContextLength = 160;

    private readonly string _folder;
    private readonly NumberType? _packed;

    public TinyModel()
        : this("qwen3_moe", NumberType.BFloat16)
    {
    }

    internal TinyModel(string family, NumberType stored)
        : this(folder => RandomCheckpoint.Write(
            folder,
            new RandomModelOptions
            {
                Family = family,
                HiddenSize = 48,
                HeadDim = 16,
                HeadCount = 4,
                KvHeadCount = 2,
                ExpertCount = 6,
                ExpertsPerToken = 2,
                ExpertWidth = 32,
                VocabularySize = 120,
                ContextLength = ContextLength,
                NumberType = stored,
            }))
    {
    }

    private TinyModel(Action<string> write, NumberType? packed = null)
    {
        _folder = Directory.CreateTempSubdirectory("megainfer-attention-").FullName;
        string folder = Path.Combine(_folder, "model");
        write(folder);
        _packed = packed;
        Checkpoint = Checkpoint.Open(folder);
        Context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        Weights = AttentionWeights.Load(Checkpoint, Context, packed, default);
        Experts = [.. Enumerable.Range(0, Checkpoint.Spec.LayerCount).Select(layer => ExpertTwin.Pack(Checkpoint, Context, layer, packed))];
    }

    /// <summary>A family as the hub has it.</summary>
    /// <param name="variant">One of <see cref="TinyModels.All"/>.</param>
    /// <param name="packed">Type of packed weights; null: as stored.</param>
    internal static TinyModel OfFamily(string variant, NumberType? packed = null) => new(folder => TinyModels.Write(variant, folder, seed: 1), packed);

    public Checkpoint Checkpoint { get; }

    public KernelContext Context { get; }

    public AttentionWeights Weights { get; }

    /// <summary>[layers] All experts of each layer; null where it is dense.</summary>
    public IReadOnlyList<PackedExperts?> Experts { get; }

    public ReferenceModel Reference(NumberType kvType) => new(Checkpoint, kvType, _packed);

    public void Dispose()
    {
        foreach (PackedExperts? experts in Experts)
            experts?.Dispose();
        Weights.Dispose();
        Context.Dispose();
        Checkpoint.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

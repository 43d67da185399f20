using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>A random-weight model of two layers, loaded for the kernels and as the plain reference. Made once for a test class.</summary>
public sealed class TinyModel : IDisposable
{
    public const int ContextLength = 160;

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-attention-").FullName;

    public TinyModel()
        : this("qwen3_moe", NumberType.BFloat16)
    {
    }

    internal TinyModel(string family, NumberType stored)
    {
        RandomCheckpoint.Write(
            Path.Combine(_folder, "model"),
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
            });
        Checkpoint = Checkpoint.Open(Path.Combine(_folder, "model"));
        Context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        Weights = AttentionWeights.Load(Checkpoint, Context, null, default);
        Experts = [.. Enumerable.Range(0, Checkpoint.Spec.LayerCount).Select(layer => ExpertTwin.Pack(Checkpoint, Context, layer))];
    }

    public Checkpoint Checkpoint { get; }

    public KernelContext Context { get; }

    public AttentionWeights Weights { get; }

    /// <summary>[layers] All experts of each layer; null where it is dense.</summary>
    public IReadOnlyList<PackedExperts?> Experts { get; }

    public ReferenceModel Reference(NumberType kvType) => new(Checkpoint, kvType);

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

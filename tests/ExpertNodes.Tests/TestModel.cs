using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;

namespace MegaInfer.ExpertNodes.Tests;

/// <summary>A small random model on disk, shared by a test class.</summary>
public sealed class TestModel : IDisposable
{
    public const int Hidden = 64;
    public const int Experts = 8;
    public const int Layers = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-expert-tests-").FullName;

    public TestModel()
    {
        Folder = Path.Combine(_folder, "model");
        RandomCheckpoint.Write(Folder, new RandomModelOptions { HiddenSize = Hidden, ExpertCount = Experts, LayerCount = Layers, ExpertWidth = 48 });
        Checkpoint = Checkpoint.Open(Folder);
        Context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
    }

    public string Folder { get; }

    public Checkpoint Checkpoint { get; }

    public KernelContext Context { get; }

    public ExpertWeights Load(KernelContext context, params int[] experts) =>
        ExpertWeights.Load(Checkpoint, Hold(experts), context, new ExpertWeightsOptions(NumberType.BFloat16));

    public static LocalExperts Hold(params int[] experts) => new(Experts, experts.Select(value => new ExpertId(value)));

    public static int[] All { get; } = [.. Enumerable.Range(0, Experts)];

    public void Dispose()
    {
        Context.Dispose();
        Checkpoint.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

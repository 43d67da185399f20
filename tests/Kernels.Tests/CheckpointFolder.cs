using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;

namespace MegaInfer.Kernels.Tests;

/// <summary>A folder of its own for a test's random checkpoints, and a context to pack them; both gone with it.</summary>
internal sealed class CheckpointFolder(int threads) : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("megainfer-packing-").FullName;

    public KernelContext Context { get; } = KernelContext.Create(new KernelContextOptions { ThreadCount = threads });

    public Checkpoint Write(RandomModelOptions options)
    {
        string folder = System.IO.Path.Combine(Path, options.Family);
        RandomCheckpoint.Write(folder, options);
        return Checkpoint.Open(folder);
    }

    public void Dispose()
    {
        Context.Dispose();
        Directory.Delete(Path, recursive: true);
    }
}

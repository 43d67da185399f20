using MegaInfer.Engine.Checkpoints.Random;

namespace MegaInfer.Bench.Models;

/// <summary>A random-weight model in the system's temporary folder, gone with this object.</summary>
internal sealed class TemporaryModel : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-bench-").FullName;

    internal TemporaryModel(string name, RandomModelOptions options)
    {
        Folder = Path.Combine(_folder, name);
        try
        {
            RandomCheckpoint.Write(Folder, options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal string Folder { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

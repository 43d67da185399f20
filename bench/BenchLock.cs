namespace MegaInfer.Bench;

/// <summary>
/// The one lock that every measurement on this machine takes, so that two never overlap. It is a file in the system's temporary folder, locked
/// by the process that holds it and so freed however that process ends.
/// </summary>
internal sealed class BenchLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private readonly FileStream _file;

    private BenchLock(FileStream file) => _file = file;

    internal static string FilePath { get; } = Path.Combine(Path.GetTempPath(), "megainfer-bench.lock");

    /// <summary>Waits until nobody else measures, and says on <paramref name="log"/> that it waits.</summary>
    internal static Task<BenchLock> TakeAsync(TextWriter log, CancellationToken cancel) => TakeAsync(FilePath, log, cancel);

    /// <summary>The same with another file than everybody's.</summary>
    internal static async Task<BenchLock> TakeAsync(string path, TextWriter log, CancellationToken cancel)
    {
        bool hasSaid = false;
        while (true)
        {
            try
            {
                return new BenchLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException)
            {
                if (!hasSaid)
                    await log.WriteLineAsync($"Another measurement holds {path}; waiting for it.");
                hasSaid = true;
                await Task.Delay(Pause, TimeProvider.System, cancel);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}

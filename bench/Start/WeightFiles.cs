using System.Diagnostics;

namespace MegaInfer.Bench.Start;

/// <summary>The files of a checkpoint's weights, read as plainly as a program can.</summary>
internal static class WeightFiles
{
    private const int BufferBytes = 16 << 20;

    internal static long Bytes(string folder) => Of(folder).Sum(file => file.Length);

    /// <summary>Reads all of them once.</summary>
    /// <returns>Seconds.</returns>
    internal static double Read(string folder)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        long started = Stopwatch.GetTimestamp();
        foreach (FileInfo file in Of(folder))
        {
            using FileStream stream = new(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            while (stream.Read(buffer) > 0)
            {
            }
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static IEnumerable<FileInfo> Of(string folder) => new DirectoryInfo(folder).EnumerateFiles("*.safetensors");
}

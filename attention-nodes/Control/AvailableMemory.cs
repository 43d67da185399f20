using System.Globalization;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>How much memory this process may still take.</summary>
internal static class AvailableMemory
{
    private const string Field = "MemAvailable:";

    /// <summary>Bytes: what the system says is available, within the process' own limit.</summary>
    internal static long Bytes()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return File.Exists("/proc/meminfo") && Parse(File.ReadLines("/proc/meminfo")) is { } available ? Math.Min(available, limit) : limit;
    }

    /// <summary>MemAvailable of /proc/meminfo in bytes; null where it is missing.</summary>
    internal static long? Parse(IEnumerable<string> lines)
    {
        string? line = lines.FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        string? kib = line?[Field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return long.TryParse(kib, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value * 1024 : null;
    }
}

using System.Runtime.InteropServices;

namespace MegaInfer.Bench.Machine;

/// <summary>What a measurement ran on, with the limits measured in the same run.</summary>
/// <param name="Cpu">As the system names it.</param>
/// <param name="Cores">That this process may use.</param>
/// <param name="MemoryGib">Of the machine.</param>
/// <param name="Os">Name and version.</param>
/// <param name="LimitThreads">Threads that the two limits were measured with.</param>
/// <param name="ReadGbPerS">Memory read bandwidth, 10^9 bytes a second.</param>
/// <param name="FmaGflopPerS">fp32 fused multiply-adds, 10^9 operations a second, an addition and a multiplication each counted.</param>
/// <param name="BFloat16Gain">How much faster than those products with bf16 weights can be.</param>
/// <param name="Gpu">What computed instead of the CPU, by its numerics; the limits are then its own, its products of bf16 for the last.</param>
internal sealed record MachineInfo(
    string Cpu, int Cores, double MemoryGib, string Os, int LimitThreads, double ReadGbPerS, double FmaGflopPerS, double BFloat16Gain = 1, string? Gpu = null)
{
    private const string CpuInfo = "/proc/cpuinfo";

    internal static MachineInfo Measure(int threads) => Of(threads, MachineLimits.Measure(threads));

    /// <summary>This machine with limits that were measured already.</summary>
    internal static MachineInfo Of(int threads, MachineLimits limits)
    {
        double memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        return new MachineInfo(
            CpuName(), Environment.ProcessorCount, Math.Round(memory, 1), RuntimeInformation.OSDescription, threads,
            Math.Round(limits.ReadBytesPerSecond / 1e9, 1), Math.Round(limits.FmaFlopPerSecond / 1e9, 1),
            Math.Round(limits.BFloat16Gain, 2));
    }

    private static string CpuName()
    {
        string? line = File.Exists(CpuInfo)
            ? File.ReadLines(CpuInfo).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }
}

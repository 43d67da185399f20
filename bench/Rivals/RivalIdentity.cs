using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>Whose programs a folder holds, as they say themselves.</summary>
/// <param name="Engine"><c>llama.cpp</c> or <c>ik_llama.cpp</c>.</param>
/// <param name="Version">What follows <c>version:</c>, such as <c>0 (unknown)</c> for a build outside a clone.</param>
internal sealed record RivalIdentity(string Engine, string Version)
{
    public const string Llama = "llama.cpp";
    public const string IkLlama = "ik_llama.cpp";

    private const string VersionStart = "version: ";

    /// <param name="benchHelp">What <c>llama-bench --help</c> prints.</param>
    /// <param name="version">What <c>llama-batched-bench --version</c> prints.</param>
    /// <exception cref="MegaInferException">Neither engine speaks like this.</exception>
    public static RivalIdentity Parse(string benchHelp, string version)
    {
        string? stated = version.Split('\n').FirstOrDefault(line => line.StartsWith(VersionStart, StringComparison.Ordinal));
        if (stated is null)
            throw new MegaInferException($"llama-batched-bench --version does not state one: {FirstLine(version)}");
        return new RivalIdentity(EngineOf(benchHelp), stated[VersionStart.Length..].Trim());
    }

    // Each has options that the other lacks; they share the name of the program.
    private static string EngineOf(string benchHelp)
    {
        bool isIk = benchHelp.Contains("--fused-moe", StringComparison.Ordinal) && benchHelp.Contains("--run-time-repack", StringComparison.Ordinal);
        bool isLlama = benchHelp.Contains("--cpu-mask", StringComparison.Ordinal) && benchHelp.Contains("--n-depth", StringComparison.Ordinal);
        return (isLlama, isIk) switch
        {
            (true, false) => Llama,
            (false, true) => IkLlama,
            _ => throw new MegaInferException($"llama-bench --help is neither that of {Llama} nor of {IkLlama}: {FirstLine(benchHelp)}"),
        };
    }

    private static string FirstLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "it says nothing";
}

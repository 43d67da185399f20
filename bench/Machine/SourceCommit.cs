using System.Diagnostics;

namespace MegaInfer.Bench.Machine;

/// <summary>Which commit was measured, for the head of a results file.</summary>
internal static class SourceCommit
{
    private const string Unknown = "unknown";

    /// <summary>The short hash, with <c>+</c> where files differ from it; "unknown" outside a clone.</summary>
    internal static string Read()
    {
        string hash = Git("rev-parse --short HEAD");
        return hash.Length == 0 ? Unknown : Git("status --porcelain --untracked-files=no").Length > 0 ? $"{hash}+" : hash;
    }

    private static string Git(string arguments)
    {
        try
        {
            var start = new ProcessStartInfo("git", arguments)
            {
                WorkingDirectory = AppContext.BaseDirectory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Trim() : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}

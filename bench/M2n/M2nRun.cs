using System.Diagnostics;
using System.Text.Json;

namespace MegaInfer.Bench.M2n;

/// <summary>Runs one case in processes of its own and reads its line.</summary>
internal sealed class M2nRun(M2nPrograms programs, string folder, double seconds)
{
    private const int Skipped = 77;

    /// <summary>The row, or why there is none.</summary>
    public async Task<(M2nRow? Row, string? WhyNot)> MeasureAsync(M2nCase it, CancellationToken cancel)
    {
        if (programs.Find(it.Program) is not { } file)
            return (null, null); // named once, among the missing
        using Process process = Process.Start(Command(it, file))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancel);
        Task<string> error = process.StandardError.ReadToEndAsync(cancel);
        try
        {
            await process.WaitForExitAsync(cancel).WaitAsync(TimeSpan.FromSeconds((seconds * 6) + 60), cancel);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            return (null, "it did not end in time");
        }

        string? line = (await output).Split('\n').FirstOrDefault(text => text.StartsWith('{'));
        if (process.ExitCode == 0 && line is not null)
            return (Read(it, line), null);
        string said = (await error).Trim();
        return (null, process.ExitCode == Skipped ? said : $"status {process.ExitCode}: {said.Split('\n')[^1]}");
    }

    internal static M2nRow Read(M2nCase it, string line)
    {
        JsonElement json = JsonDocument.Parse(line).RootElement;
        return new M2nRow
        {
            Engine = it.Engine,
            Pattern = it.Pattern,
            Bytes = it.Bytes,
            Wait = it.Wait,
            How = it.How,
            BetweenHosts = it.BetweenHosts,
            P50Us = json.GetProperty("p50_us").GetDouble(),
            P99Us = json.GetProperty("p99_us").GetDouble(),
            GbPerS = json.GetProperty("gb_per_s").GetDouble(),
        };
    }

    private ProcessStartInfo Command(M2nCase it, string file)
    {
        string[] arguments = [$"{it.Senders}", $"{it.Receivers}", $"{it.Bytes}", it.Wait, it.How, FormattableString.Invariant($"{seconds}"), Path.Combine(folder, "control")];
        (string name, string[] all) = it switch
        {
            { Program: "mpi" } => ("mpirun",
            [
                "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", it.Wait == "yield" ? "1" : "0", "-np", $"{it.Members}", file, .. arguments,
            ]),
            { BetweenHosts: true } => (Path.Combine(M2nPrograms.Root, "m2n-comm", "conformance", "in-namespaces"),
            [
                "2", "sh", "-c", $"exec \"$0\" \"$@\" \"${{M2N_NAMESPACES%,*}}\" \"${{M2N_NAMESPACES#*,}}\" eth0 {it.Transport}", file, .. arguments,
            ]),
            _ => (file, arguments),
        };
        var start = new ProcessStartInfo(name, all) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        if (it.Program == "ucx")
            start.Environment["UCX_TLS"] = "posix,self";
        return start;
    }
}

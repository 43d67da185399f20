using System.CommandLine;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;

namespace MegaInfer.Bench.M2n;

/// <summary><c>m2n</c>: moving rows, ours beside Open MPI, UCX, plain TCP, memcpy and a bare futex, all in one run; each the best of its repetitions.</summary>
internal sealed class M2nCommand
{
    private static readonly IReadOnlyList<Column<M2nRow>> Columns =
    [
        new("engine", row => row.Engine),
        new("how", row => row.How),
        new("pattern", row => row.Pattern),
        new("hosts", row => row.BetweenHosts ? "two" : "one"),
        new("KiB", row => $"{row.Bytes / 1024.0:0.#}"),
        new("wait", row => row.Wait),
        new("p50 us", row => $"{row.P50Us:0.00}"),
        new("p99 us", row => $"{row.P99Us:0.0}"),
        new("GB/s", row => $"{row.GbPerS:0.00}"),
    ];

    private readonly Option<double> _seconds = new("--seconds") { Description = "How long each case runs.", DefaultValueFactory = _ => 0.5 };
    private readonly Option<int> _repetitions = new("--repetitions") { Description = "How often each case runs; the best counts.", DefaultValueFactory = _ => 3 };
    private readonly Option<bool> _smoke = new("--smoke") { Description = "A few cases only, once and briefly: does everything run?" };
    private readonly Option<string?> _chart = new("--chart") { Description = "Write a chart to this SVG file. Default: beside the --json file.", HelpName = "FILE" };
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("m2n", "Moving rows between processes and hosts, beside its rivals from the same run.") { _seconds, _repetitions, _smoke, _chart };
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        bool isSmoke = parsed.GetValue(_smoke);
        double seconds = isSmoke ? 0.1 : parsed.GetValue(_seconds);
        int repetitions = isSmoke ? 1 : parsed.GetValue(_repetitions);
        if (seconds is not (>= 0.05 and <= 60) || repetitions is < 1 or > 100)
            throw new MegaInferException("--seconds must be 0.05 to 60, --repetitions 1 to 100.");
        string folder = Directory.CreateTempSubdirectory("megainfer-m2n-").FullName;
        try
        {
            M2nPrograms programs = await M2nPrograms.BuildAsync(folder, cancel);
            using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
            MachineInfo machine = MachineInfo.Measure(threads: Environment.ProcessorCount);
            var best = new M2nBest();
            M2nCase[] cases = [.. isSmoke ? M2nPlan.Smoke() : M2nPlan.All()];
            for (int i = 0; i < repetitions; i++)
                await MeasureAllAsync(cases, new M2nRun(programs, folder, seconds), best, isFirst: i == 0, cancel);
            foreach (string missing in programs.Missing)
                await Console.Error.WriteLineAsync($"not measured, because it is not installed: {missing}");
            await _report.WriteAsync(parsed, "m2n", new Report<M2nRow>(machine, best.Rows), Columns);
            if ((parsed.GetValue(_chart) ?? Beside(parsed)) is { } chart)
                await M2nChart.WriteAsync(chart, best.Rows);
            return best.Rows.Count > 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // All cases once before any of them again, so that a busy minute of the machine spoils no case's every repetition.
    private static async Task MeasureAllAsync(M2nCase[] cases, M2nRun run, M2nBest best, bool isFirst, CancellationToken cancel)
    {
        foreach (M2nCase it in cases)
        {
            (M2nRow? row, string? whyNot) = await run.MeasureAsync(it, cancel);
            if (row is not null)
                best.Add(it, row);
            else if (whyNot is not null && isFirst)
                await Console.Error.WriteLineAsync($"not measured: {it.Engine} {it.Pattern} {it.Bytes} bytes, {it.Wait}: {whyNot}");
        }
    }

    private string? Beside(ParseResult parsed) => _report.JsonFile(parsed) is { } json ? Path.ChangeExtension(json, ".svg") : null;
}

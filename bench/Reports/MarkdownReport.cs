using System.Text;
using MegaInfer.Bench.Machine;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Reports;

/// <summary>A report as a section of a results file: date, commit, machine, command, table.</summary>
internal static class MarkdownReport
{
    internal static string MachineLine(MachineInfo machine) =>
        $"{machine.Cpu}, {machine.Cores} cores, {machine.MemoryGib:0} GiB, {machine.Os}; "
        + (machine.Gpu is { } gpu
            ? $"GPU {gpu}: {machine.ReadGbPerS:0} GB/s read, {machine.FmaGflopPerS / 1e3:0} TFLOP/s of bf16"
            : $"with {machine.LimitThreads} threads {machine.ReadGbPerS:0.0} GB/s read, {machine.FmaGflopPerS:0} GFLOP/s fp32 FMA"
              + (machine.BFloat16Gain > 1 ? $", {machine.FmaGflopPerS * machine.BFloat16Gain:0} with bf16 weights" : ""));

    internal static async Task AppendAsync<TRow>(
        string file, string title, string command, Report<TRow> report, IReadOnlyList<Column<TRow>> columns)
    {
        var text = new StringBuilder();
        text.Append($"\n## {title}\n\n");
        text.Append($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}, commit {SourceCommit.Read()}\n\n");
        text.Append($"Machine: {MachineLine(report.Machine)}\n\n");
        text.Append($"Command: `{command}`\n\n");
        text.Append($"| {string.Join(" | ", columns.Select(column => column.Title))} |\n");
        text.Append($"|{string.Concat(columns.Select(_ => " ---: |"))}\n");
        foreach (TRow row in report.Rows)
            text.Append($"| {string.Join(" | ", columns.Select(column => column.Text(row)))} |\n");
        try
        {
            await File.AppendAllTextAsync(file, text.ToString());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The report cannot be written to {file}: {error.Message}", error);
        }
    }
}

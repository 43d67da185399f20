using System.CommandLine;

namespace MegaInfer.Bench.Reports;

/// <summary>Where a measurement's rows go, besides the table in the terminal.</summary>
internal sealed class ReportOptions
{
    private readonly Option<string?> _json = new("--json") { Description = "Write the rows as one JSON object to this file.", HelpName = "FILE" };
    private readonly Option<string?> _markdown = new("--markdown")
    {
        Description = "Append the table, with date, commit, machine and command, to this file (such as bench/results/decode.md).",
        HelpName = "FILE",
    };

    internal void AddTo(Command command)
    {
        command.Add(_json);
        command.Add(_markdown);
    }

    internal string? JsonFile(ParseResult parsed) => parsed.GetValue(_json);

    internal async Task WriteAsync<TRow>(ParseResult parsed, string title, Report<TRow> report, IReadOnlyList<Column<TRow>> columns)
    {
        TerminalTable.Write(title, report, columns);
        if (parsed.GetValue(_json) is { } json)
            await JsonReport.WriteAsync(json, report);
        if (parsed.GetValue(_markdown) is { } markdown)
            await MarkdownReport.AppendAsync(markdown, title, CommandText(parsed), report, columns);
    }

    private static string CommandText(ParseResult parsed) =>
        $"./megainfer bench {string.Join(' ', parsed.Tokens.Select(token => token.Value.Contains(' ', StringComparison.Ordinal) ? $"'{token.Value}'" : token.Value))}";
}

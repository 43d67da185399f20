using Spectre.Console;

namespace MegaInfer.Bench.Reports;

/// <summary>A report as a table in the terminal, headed by what it ran on.</summary>
internal static class TerminalTable
{
    // A file or a pipe has no width of its own; wide enough for every column of every verb.
    private const int RedirectedWidth = 240;

    internal static void Write<TRow>(string title, Report<TRow> report, IReadOnlyList<Column<TRow>> columns)
    {
        var table = new Table().Title(Markup.Escape(title)).Border(TableBorder.Rounded);
        foreach (Column<TRow> column in columns)
            table.AddColumn(new TableColumn(Markup.Escape(column.Title)).RightAligned().NoWrap());
        foreach (TRow row in report.Rows)
            table.AddRow([.. columns.Select(column => Markup.Escape(column.Text(row)))]);
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = RedirectedWidth;
        Console.WriteLine(MarkdownReport.MachineLine(report.Machine));
        AnsiConsole.Write(table);
    }
}

namespace MegaInfer.Bench.Reports;

/// <summary>A column of a printed table.</summary>
internal sealed record Column<TRow>(string Title, Func<TRow, string> Text);

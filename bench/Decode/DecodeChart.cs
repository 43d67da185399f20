using System.Globalization;
using System.Text;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Decode;

/// <summary>The rows as a picture: a group of bars for each batch size or prompt, tokens per second as a share of the floor, the number on each. Plain SVG.</summary>
internal static class DecodeChart
{
    private const double BarWidth = 54, GroupGap = 36, Left = 60, Top = 60, PlotHeight = 300, Bottom = 50, LegendWidth = 220, LegendHeight = 20, LeastWidth = 640;
    private static readonly string[] Colours = ["#0b6e4f", "#588b8b", "#c8553d", "#2e4057", "#f28f3b", "#8e5572", "#7a7a7a", "#3a86c8"];

    internal static string Of(IReadOnlyList<DecodeRow> rows)
    {
        string[] engines = [.. rows.Select(NameOf).Distinct()];
        List<IGrouping<string, DecodeRow>> groups = [.. rows.GroupBy(row => row.Work == "prefill" ? $"prefill {row.PromptLen}" : $"batch {row.Batch}")];
        double width = Math.Max(LeastWidth, Left + groups.Sum(group => (group.Count() * BarWidth) + GroupGap) + 40);
        int legendColumns = (int)((width - Left) / LegendWidth);
        double height = Top + PlotHeight + Bottom + (LegendHeight * ((engines.Length + legendColumns - 1) / legendColumns));
        double most = Math.Max(1, rows.Select(row => row.Ratio).DefaultIfEmpty().Max());
        var svg = new StringBuilder();
        svg.Append(Invariant($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n"));
        svg.Append(Invariant($"<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"));
        svg.Append(Invariant($"<text x=\"{Left}\" y=\"22\" font-size=\"15\">{(rows.Count > 0 ? rows[0].Model : "nothing")}: tokens per second, as a share of the floor</text>\n"));
        AddLine(svg, 1, "floor");
        AddLine(svg, 0.5, "0.5");
        double x = Left + (GroupGap / 2);
        foreach (IGrouping<string, DecodeRow> group in groups)
        {
            double from = x;
            foreach (DecodeRow row in group)
            {
                double bar = PlotHeight * row.Ratio / most;
                svg.Append(Invariant($"<rect x=\"{x + 3}\" y=\"{Top + PlotHeight - bar:0.0}\" width=\"{BarWidth - 6}\" height=\"{bar:0.0}\" fill=\"{Colours[Array.IndexOf(engines, NameOf(row)) % Colours.Length]}\"/>\n"));
                svg.Append(Invariant($"<text x=\"{x + (BarWidth / 2)}\" y=\"{Top + PlotHeight - bar - 4:0.0}\" text-anchor=\"middle\">{row.TokensPerS:0}</text>\n"));
                x += BarWidth;
            }

            svg.Append(Invariant($"<text x=\"{(from + x) / 2}\" y=\"{Top + PlotHeight + 18}\" text-anchor=\"middle\">{group.Key}</text>\n"));
            x += GroupGap;
        }

        for (int i = 0; i < engines.Length; i++)
        {
            double at = Left + (i % legendColumns * LegendWidth), line = Top + PlotHeight + 36 + (i / legendColumns * LegendHeight);
            svg.Append(Invariant($"<rect x=\"{at}\" y=\"{line}\" width=\"12\" height=\"12\" fill=\"{Colours[i % Colours.Length]}\"/><text x=\"{at + 18}\" y=\"{line + 11}\">{engines[i]}</text>\n"));
        }

        return svg.Append("</svg>\n").ToString();

        void AddLine(StringBuilder to, double ratio, string label)
        {
            double y = Top + PlotHeight - (PlotHeight * ratio / most);
            to.Append(Invariant($"<line x1=\"{Left}\" y1=\"{y:0.0}\" x2=\"{width - 20}\" y2=\"{y:0.0}\" stroke=\"#bbb\" stroke-dasharray=\"4 3\"/><text x=\"{Left - 6}\" y=\"{y + 4:0.0}\" text-anchor=\"end\">{label}</text>\n"));
        }
    }

    internal static async Task WriteAsync(string file, IReadOnlyList<DecodeRow> rows)
    {
        try
        {
            await File.WriteAllTextAsync(file, Of(rows));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The chart cannot be written to {file}: {error.Message}", error);
        }
    }

    private static string NameOf(DecodeRow row) => row.MicroBatchText.Length == 0 ? row.Engine : $"{row.Engine} m={row.MicroBatchText}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

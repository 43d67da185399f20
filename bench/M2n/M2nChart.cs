using System.Globalization;
using System.Text;
using MegaInfer.Engine;

namespace MegaInfer.Bench.M2n;

/// <summary>The rows as a picture: one-way time over size, a line for each engine, both axes logarithmic. Plain SVG, without a library.</summary>
internal static class M2nChart
{
    private const double Width = 940, Height = 560, Left = 80, Right = 290, Top = 50, Bottom = 60;
    private static readonly string[] Colours = ["#0b6e4f", "#c8553d", "#2e4057", "#f28f3b", "#588b8b", "#8e5572", "#777777", "#1b998b", "#a63446"];

    internal static string Of(IEnumerable<M2nRow> rows)
    {
        M2nRow[] shown = [.. rows.Where(row => row is { Pattern: "1x1", P50Us: > 0, Engine: not ("futex" or "line" or "relay") } && row.Wait is "default" or "spin" or "none")];
        var svg = new StringBuilder();
        svg.Append(Invariant($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"13\">\n"));
        svg.Append(Invariant($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>\n<text x=\"{Left}\" y=\"28\" font-size=\"16\">One way, 1 to 1: p50 in microseconds over the size of a message</text>\n"));
        if (shown.Length == 0)
            return svg.Append("</svg>\n").ToString();
        var bytes = new LogAxis(shown.Min(row => row.Bytes), shown.Max(row => row.Bytes), Left, Width - Right);
        var time = new LogAxis(shown.Min(row => row.P50Us), shown.Max(row => row.P50Us), Height - Bottom, Top);
        AddAxes(svg, bytes, time, [.. shown.Select(row => row.Bytes).Distinct().Order()]);
        int index = 0;
        foreach (IGrouping<string, M2nRow> series in shown.GroupBy(Name))
            AddSeries(svg, series.Key, [.. series.OrderBy(row => row.Bytes)], bytes, time, index++);
        return svg.Append("</svg>\n").ToString();
    }

    internal static async Task WriteAsync(string file, IEnumerable<M2nRow> rows)
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

    private static string Name(M2nRow row) => $"{row.Engine}, {row.How}, {row.Wait}{(row.BetweenHosts ? ", two hosts" : "")}";

    private static void AddAxes(StringBuilder svg, LogAxis bytes, LogAxis time, IReadOnlyList<long> sizes)
    {
        foreach (long size in sizes)
        {
            double x = bytes.At(size);
            svg.Append(Invariant($"<line x1=\"{x:0.#}\" y1=\"{Top}\" x2=\"{x:0.#}\" y2=\"{Height - Bottom}\" stroke=\"#dddddd\"/>\n"));
            svg.Append(Invariant($"<text x=\"{x:0.#}\" y=\"{Height - Bottom + 22}\" text-anchor=\"middle\">{(size >= 1 << 20 ? $"{size >> 20} MiB" : $"{size >> 10} KiB")}</text>\n"));
        }

        for (double value = Math.Pow(10, Math.Floor(Math.Log10(time.Least))); value <= time.Most * 1.001; value *= 10)
        {
            if (value < time.Least * 0.999)
                continue;
            double y = time.At(value);
            svg.Append(Invariant($"<line x1=\"{Left}\" y1=\"{y:0.#}\" x2=\"{Width - Right}\" y2=\"{y:0.#}\" stroke=\"#dddddd\"/>\n<text x=\"{Left - 8}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{value:0.###}</text>\n"));
        }
    }

    private static void AddSeries(StringBuilder svg, string name, IReadOnlyList<M2nRow> rows, LogAxis bytes, LogAxis time, int index)
    {
        string colour = Colours[index % Colours.Length];
        string dash = index < Colours.Length ? "" : " stroke-dasharray=\"5 3\"";
        string points = string.Join(' ', rows.Select(row => Invariant($"{bytes.At(row.Bytes):0.#},{time.At(row.P50Us):0.#}")));
        svg.Append(Invariant($"<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\n"));
        foreach (M2nRow row in rows)
            svg.Append(Invariant($"<circle cx=\"{bytes.At(row.Bytes):0.#}\" cy=\"{time.At(row.P50Us):0.#}\" r=\"3\" fill=\"{colour}\"/>\n"));
        double y = Top + 12 + (index * 20);
        svg.Append(Invariant($"<line x1=\"{Width - Right + 12}\" y1=\"{y - 4}\" x2=\"{Width - Right + 34}\" y2=\"{y - 4}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\n<text x=\"{Width - Right + 40}\" y=\"{y}\">{name}</text>\n"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record LogAxis(double Least, double Most, double From, double To)
    {
        public double At(double value) => Most <= Least ? (From + To) / 2 : From + ((To - From) * Math.Log(value / Least) / Math.Log(Most / Least));
    }
}

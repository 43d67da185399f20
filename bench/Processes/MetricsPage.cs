using System.Globalization;

namespace MegaInfer.Bench.Processes;

/// <summary>The numbers of a server's <c>/metrics</c> page at one moment.</summary>
internal sealed class MetricsPage
{
    private readonly Dictionary<string, double> _sums = new(StringComparer.Ordinal);

    /// <param name="text">In Prometheus' text format.</param>
    internal static MetricsPage Parse(string text)
    {
        var page = new MetricsPage();
        foreach (string line in text.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            string name = line[..line.IndexOfAny(['{', ' '])];
            double value = double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
            page._sums[name] = page._sums.GetValueOrDefault(name) + value;
        }

        return page;
    }

    /// <summary>Of all nodes together; 0 where none has it.</summary>
    internal double Sum(string name) => _sums.GetValueOrDefault(name);
}

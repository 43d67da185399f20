using System.Globalization;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>The table that llama-batched-bench prints: a row for each batch size, with the decode speed in column <c>S_TG t/s</c>.</summary>
internal static class BatchedBenchOutput
{
    private const int SpeedColumn = 7;

    private static readonly string[] Titles = ["PP", "TG", "B", "N_KV", "T_PP s", "S_PP t/s", "T_TG s", "S_TG t/s", "T s", "S t/s"];

    /// <summary>Decode speed of the first row, which must be the one that was asked for; tokens per second of all sequences together.</summary>
    /// <exception cref="MegaInferException">The output has another form, or no such row; with the line in question.</exception>
    public static double Speed(string output, int promptLength, int generateLength, int batch)
    {
        string[] lines = output.Split('\n', StringSplitOptions.TrimEntries);
        int header = Array.FindIndex(lines, line => line.StartsWith('|'));
        if (header < 0 || !Cells(lines[header]).SequenceEqual(Titles))
            throw Unlike(header < 0 ? lines.LastOrDefault(line => line.Length > 0) : lines[header], "the table's head");
        if (header + 2 >= lines.Length || lines[header + 1].Trim('|', '-').Length > 0)
            throw Unlike(lines.ElementAtOrDefault(header + 1), "the line below the table's head");
        string row = lines[header + 2];
        string[] cells = Cells(row);
        if (cells.Length != Titles.Length || !cells.Take(3).SequenceEqual([$"{promptLength}", $"{generateLength}", $"{batch}"]))
            throw Unlike(row, $"the row of {batch} sequences of {promptLength} + {generateLength} tokens");
        return double.TryParse(cells[SpeedColumn], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double speed) && speed > 0
            ? speed
            : throw Unlike(row, "a speed");
    }

    private static string[] Cells(string line) =>
        line.StartsWith('|') && line.EndsWith('|') && line.Length > 1 ? line[1..^1].Split('|', StringSplitOptions.TrimEntries) : [];

    private static MegaInferException Unlike(string? line, string expected) =>
        new($"llama-batched-bench printed something else than {expected}: '{line}'");
}

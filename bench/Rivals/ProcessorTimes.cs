using System.Globalization;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>Processor time as Linux counts it: of the whole machine, and of processes with all their descendants.</summary>
internal static class ProcessorTimes
{
    private const string MachineFile = "/proc/stat";

    // What Linux reports times in, on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    public static bool AreKnown => File.Exists(MachineFile);

    /// <summary>Seconds that the machine's cores were not idle since it started, the host's theft of them included.</summary>
    public static double MachineSeconds() => ParseMachine(File.ReadLines(MachineFile).First());

    /// <summary>Seconds of these processes and all their descendants, those included that have ended and were waited for.</summary>
    public static double TreeSeconds(IEnumerable<int> roots)
    {
        (int Id, int Parent, double Seconds)[] all = [.. Processes()];
        ILookup<int, int> children = all.ToLookup(process => process.Parent, process => process.Id);
        HashSet<int> tree = [];
        var waiting = new Stack<int>(roots);
        while (waiting.TryPop(out int id))
        {
            if (!tree.Add(id))
                continue;
            foreach (int child in children[id])
                waiting.Push(child);
        }

        return all.Where(process => tree.Contains(process.Id)).Sum(process => process.Seconds);
    }

    /// <summary>The line <c>cpu user nice system idle iowait irq softirq steal ...</c>; what guests take is part of user already.</summary>
    internal static double ParseMachine(string line)
    {
        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 9 || fields[0] != "cpu")
            throw new MegaInferException($"{MachineFile} does not begin as Linux writes it: {line}");
        double[] ticks = [.. fields[1..9].Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
        return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) / TicksPerSecond;
    }

    /// <summary>A line of <c>/proc/ID/stat</c>: id, name in parentheses, state, parent; user, system, and the same of children that were waited for, from the 14th on.</summary>
    internal static (int Id, int Parent, double Seconds) ParseProcess(string line)
    {
        // A name may hold spaces and parentheses itself.
        int nameEnd = line.LastIndexOf(')');
        string[] fields = line[(nameEnd + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int id = int.Parse(line.AsSpan(0, line.IndexOf(' ')), CultureInfo.InvariantCulture);
        double ticks = fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture));
        return (id, int.Parse(fields[1], CultureInfo.InvariantCulture), ticks / TicksPerSecond);
    }

    private static IEnumerable<(int Id, int Parent, double Seconds)> Processes()
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out _))
                continue;
            string line;
            try
            {
                line = File.ReadAllText(Path.Combine(folder, "stat"));
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                continue; // it ended between the listing and the reading
            }

            yield return ParseProcess(line);
        }
    }
}

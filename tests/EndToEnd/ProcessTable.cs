using System.Diagnostics;

namespace MegaInfer.EndToEnd;

/// <summary>The system's processes, from /proc.</summary>
internal static class ProcessTable
{
    /// <summary>Direct children, with the name of their executable.</summary>
    public static IReadOnlyList<(int Pid, string Name)> ChildrenOf(int parent) =>
        [.. All().Where(entry => entry.Parent == parent).Select(entry => (entry.Pid, entry.Name))];

    public static bool IsAlive(int pid) => File.Exists($"/proc/{pid}/stat") && State(pid) is not 'Z';

    /// <summary>CPU time used so far, user and system.</summary>
    public static TimeSpan CpuTime(int pid)
    {
        using var process = Process.GetProcessById(pid);
        return process.TotalProcessorTime;
    }

    /// <summary>Sends a signal by name (TERM, KILL, STOP, CONT).</summary>
    public static void Signal(int pid, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits until every process is gone, at most <paramref name="bound"/>; returns those that are left.</summary>
    public static async Task<IReadOnlyList<int>> LeftAfterAsync(IEnumerable<int> pids, TimeSpan bound)
    {
        List<int> left = [.. pids];
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < bound)
        {
            left.RemoveAll(pid => !IsAlive(pid));
            if (left.Count == 0)
                break;
            await Task.Delay(20);
        }

        return left;
    }

    private static IEnumerable<(int Pid, int Parent, string Name)> All()
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out int pid) && Fields(pid) is string[] fields)
                yield return (pid, int.Parse(fields[1], System.Globalization.CultureInfo.InvariantCulture), ExecutableName(pid));
        }
    }

    private static char State(int pid) => Fields(pid) is string[] fields ? fields[0][0] : 'Z';

    // /proc/PID/stat after the name in parentheses: state, parent, ...
    private static string[]? Fields(int pid)
    {
        try
        {
            string text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string ExecutableName(int pid)
    {
        try
        {
            string commandLine = File.ReadAllText($"/proc/{pid}/cmdline");
            return Path.GetFileName(commandLine.Split('\0')[0]);
        }
        catch (IOException)
        {
            return "";
        }
    }
}

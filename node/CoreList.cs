using MegaInfer.Engine;

namespace MegaInfer.Node;

/// <summary>A list of cores as people write it, <c>0,2-3</c>.</summary>
public static class CoreList
{
    /// <summary>Cores are numbered below this, the width of a kernel context's core mask.</summary>
    public const int Limit = 256;

    /// <summary>The cores, ascending and distinct.</summary>
    /// <exception cref="MegaInferException">Not a list of numbers and ranges.</exception>
    public static IReadOnlyList<int> Parse(string text)
    {
        var cores = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryCore(ends[0], out int first) || !TryCore(ends[^1], out int last) || last < first)
                throw new MegaInferException($"'{text}' is not a list of cores; write numbers and ranges below {Limit}, such as 0,2-3.");
            for (int core = first; core <= last; core++)
                cores.Add(core);
        }

        return [.. cores];
    }

    private static bool TryCore(string text, out int core) => int.TryParse(text, out core) && core is >= 0 and < Limit;
}

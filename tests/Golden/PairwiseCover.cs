namespace MegaInfer.Golden;

/// <summary>
/// A small set of rows over several factors in which every pair of levels of two factors occurs together at least once. Greedy: each row is the best of a
/// number of seeded candidates, so the set is the same on every run.
/// </summary>
internal static class PairwiseCover
{
    private const int CandidatesPerRow = 200;

    /// <param name="levels">How many levels each factor has.</param>
    /// <param name="isAllowed">Rows that make sense; every pair must occur in at least one allowed row to be covered.</param>
    /// <param name="seed">Seed of the candidates.</param>
    public static IReadOnlyList<int[]> Rows(IReadOnlyList<int> levels, Func<int[], bool> isAllowed, int seed)
    {
        var random = new Random(seed);
        HashSet<(int, int, int, int)> open = [.. Pairs(levels)];
        var rows = new List<int[]>();
        int fruitless = 0;
        while (open.Count > 0 && fruitless < 50)
        {
            int[]? best = null;
            int bestCount = 0;
            for (int i = 0; i < CandidatesPerRow; i++)
            {
                int[] row = [.. levels.Select(count => random.Next(count))];
                // Start from an open pair, so that the last pairs are found too.
                (int f, int a, int g, int b) = open.ElementAt(random.Next(open.Count));
                (row[f], row[g]) = (a, b);
                int count = isAllowed(row) ? Pairs(row).Count(open.Contains) : 0;
                if (count > bestCount)
                    (best, bestCount) = (row, count);
            }

            if (best is null)
            {
                fruitless++;
                continue;
            }

            rows.Add(best);
            open.ExceptWith(Pairs(best));
        }

        return rows;
    }

    /// <summary>Every allowed row of the full product.</summary>
    public static IEnumerable<int[]> Product(IReadOnlyList<int> levels, Func<int[], bool> isAllowed)
    {
        var row = new int[levels.Count];
        while (true)
        {
            if (isAllowed(row))
                yield return (int[])row.Clone();
            int i = 0;
            while (i < row.Length && ++row[i] == levels[i])
                row[i++] = 0;
            if (i == row.Length)
                yield break;
        }
    }

    /// <summary>The pairs that a row covers: (factor, level, later factor, level).</summary>
    public static IEnumerable<(int F, int A, int G, int B)> Pairs(int[] row)
    {
        for (int f = 0; f < row.Length; f++)
        {
            for (int g = f + 1; g < row.Length; g++)
                yield return (f, row[f], g, row[g]);
        }
    }

    private static IEnumerable<(int F, int A, int G, int B)> Pairs(IReadOnlyList<int> levels)
    {
        for (int f = 0; f < levels.Count; f++)
        {
            for (int g = f + 1; g < levels.Count; g++)
            {
                for (int a = 0; a < levels[f]; a++)
                {
                    for (int b = 0; b < levels[g]; b++)
                        yield return (f, a, g, b);
                }
            }
        }
    }
}

using System.Text;

namespace MegaInfer.Rl.Tokens;

/// <summary>Learns BPE merges from texts: again and again the most frequent neighbouring pair becomes a token. Ties go to the lower ids.</summary>
public static class MergeLearner
{
    private const int RarestPair = 4;

    /// <summary>Learns at most <paramref name="mergeCount"/> merges; stops early when no pair occurs <c>4</c> times.</summary>
    public static List<(int Left, int Right)> Learn(IEnumerable<string> texts, int mergeCount)
    {
        Dictionary<string, int> counts = [];
        foreach (string piece in texts.SelectMany(BytePairEncoding.Cut))
            counts[piece] = counts.GetValueOrDefault(piece) + 1;
        List<(List<int> Ids, int Count)> words =
            [.. counts.OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => (Encoding.UTF8.GetBytes(entry.Key).Select(ByteAlphabet.IdOf).ToList(), entry.Value))];
        List<(int Left, int Right)> merges = [];
        // Two pairs may spell the same bytes; tokenizer.json names a token by its spelling, so only the first of them becomes a merge.
        List<string> spellings = [.. Enumerable.Range(0, 256).Select(id => ByteAlphabet.CharacterOf(ByteAlphabet.ByteOf(id)).ToString())];
        HashSet<string> taken = [.. spellings];
        while (merges.Count < mergeCount && MostFrequent(words, pair => !taken.Contains(spellings[pair.Left] + spellings[pair.Right])) is { } pair)
        {
            int id = 256 + merges.Count;
            merges.Add(pair);
            spellings.Add(spellings[pair.Left] + spellings[pair.Right]);
            taken.Add(spellings[^1]);
            foreach ((List<int> ids, _) in words)
                Replace(ids, pair, id);
        }
        return merges;
    }

    private static (int Left, int Right)? MostFrequent(List<(List<int> Ids, int Count)> words, Func<(int Left, int Right), bool> mayMerge)
    {
        Dictionary<(int Left, int Right), int> pairs = [];
        foreach ((List<int> ids, int count) in words)
        {
            for (int i = 0; i + 1 < ids.Count; i++)
                pairs[(ids[i], ids[i + 1])] = pairs.GetValueOrDefault((ids[i], ids[i + 1])) + count;
        }
        (int Left, int Right)? best = null;
        int bestCount = RarestPair - 1;
        foreach (((int Left, int Right) pair, int count) in pairs)
        {
            if (!mayMerge(pair))
                continue;
            if (count > bestCount || (count == bestCount && best is { } held && pair.CompareTo(held) < 0))
                (best, bestCount) = (pair, count);
        }
        return best;
    }

    private static void Replace(List<int> ids, (int Left, int Right) pair, int id)
    {
        for (int i = 0; i + 1 < ids.Count; i++)
        {
            if (ids[i] == pair.Left && ids[i + 1] == pair.Right)
            {
                ids[i] = id;
                ids.RemoveAt(i + 1);
            }
        }
    }
}

using System.Text;
using System.Text.RegularExpressions;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>
/// Tiktoken by its definition and nothing else: cut at special tokens, split by Kimi's pattern, then merge the neighbours whose bytes together have the
/// lowest rank until none have one. For text of the basic plane, which is what .NET's regular expressions are right about.
/// </summary>
internal sealed partial class NaiveTiktoken(IReadOnlyDictionary<string, int> ranks, IReadOnlyDictionary<string, int> specials)
{
    /// <summary>Bytes as a key that compares by content.</summary>
    public static string Key(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public int[] Encode(string text)
    {
        List<int> ids = [];
        int done = 0;
        foreach (Match special in Regex.Matches(text, string.Join('|', specials.Keys.OrderByDescending(key => key.Length).Select(Regex.Escape))))
        {
            EncodeOrdinary(text[done..special.Index], ids);
            ids.Add(specials[special.Value]);
            done = special.Index + special.Length;
        }

        EncodeOrdinary(text[done..], ids);
        return [.. ids];
    }

    private void EncodeOrdinary(string text, List<int> ids)
    {
        foreach (Match piece in Pieces().Matches(text))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(piece.Value);
            if (ranks.TryGetValue(Key(bytes), out int whole))
                ids.Add(whole);
            else
                ids.AddRange(Merge([.. bytes.Select(one => Key([one]))]));
        }
    }

    private IEnumerable<int> Merge(List<string> parts)
    {
        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                if (ranks.TryGetValue(parts[i] + parts[i + 1], out int rank) && rank < bestRank)
                    (best, bestRank) = (i, rank);
            }

            if (best < 0)
                return parts.Select(part => ranks[part]);
            parts[best] += parts[best + 1];
            parts.RemoveAt(best + 1);
        }
    }

    // Kimi's pattern with the set intersections written as .NET's subtractions, and Han as its blocks in the basic plane.
    [GeneratedRegex(
        @"[\u3400-\u4dbf\u4e00-\u9fff\u3005\u3007]+"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}-[\u3400-\u4dbf\u4e00-\u9fff\u3005\u3007]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}-[\u3400-\u4dbf\u4e00-\u9fff\u3005\u3007]]+('[sſ]|'t|'re|'ve|'m|'ll|'d|'S|'T|'RE|'Re|'rE|'VE|'Ve|'vE|'M|'LL|'Ll|'lL|'D)?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}-[\u3400-\u4dbf\u4e00-\u9fff\u3005\u3007]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}-[\u3400-\u4dbf\u4e00-\u9fff\u3005\u3007]]*('[sſ]|'t|'re|'ve|'m|'ll|'d|'S|'T|'RE|'Re|'rE|'VE|'Ve|'vE|'M|'LL|'Ll|'lL|'D)?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    private static partial Regex Pieces();
}

using System.Text;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>
/// Damages JSON so that it mostly stays JSON: values take the place of others, from this file or another, numbers become extreme, keys appear twice, lists
/// grow, and objects nest. Some inputs get wounds in their bytes too. Deterministic by seed.
/// </summary>
internal sealed class JsonMutator(IReadOnlyList<string> corpus)
{
    private static readonly string[] Extremes =
    [
        "-1", "0", "1", "2", "255", "65536", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e308", "1e999", "-1e-999",
        "0.5", "1.0", "1E2", "123456789012345678901234567890", "null", "true", "false", "{}", "[]", "[null]", "[[]]", "{\"\":{}}", "\"\"", "\" \"", "\"a\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"",
        "\"é\"", "\"-1\"", "\"default\"", "\"Sequence\"", "\"Regex\"", "\"(?:a+)+$\"", "\"(?:(?:(?:){1000}){1000}){1000}\"", "\"[\\\\s\\\\S]{1000}\"", "\"(a|aa)*b\"", "\"{{ 1 }}\"", "\"<0x0A>\"",
    ];

    private const int MostNesting = 3_000;
    private const int MostCopies = 300;

    private readonly List<string>[] _corpus = [.. corpus.Select(JsonTokens.Cut)];

    public byte[] Make(int seed)
    {
        Random random = new(seed);
        List<string> tokens = [.. _corpus[random.Next(_corpus.Length)]];
        for (int wounds = random.Next(1, 4); wounds > 0 && tokens.Count > 0; wounds--)
            Wound(tokens, random);
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(tokens));
        if (random.Next(5) > 0)
            return bytes;
        List<byte> list = [.. bytes];
        for (int wounds = random.Next(1, 4); wounds > 0; wounds--)
            ByteMutator.Wound(list, random);
        return [.. list];
    }

    private void Wound(List<string> tokens, Random random)
    {
        int at = ValueAt(tokens, random);
        int length = JsonTokens.EndOfValue(tokens, at) - at;
        switch (random.Next(10))
        {
            case 0 or 1 or 2:
                Replace(tokens, at, length, [Extremes[random.Next(Extremes.Length)]]);
                break;
            case 3:
                List<string> other = _corpus[random.Next(_corpus.Length)];
                int from = ValueAt(other, random);
                Replace(tokens, at, length, other.GetRange(from, JsonTokens.EndOfValue(other, from) - from));
                break;
            case 4:
                Replace(tokens, at, length, Nest(tokens.GetRange(at, length), random));
                break;
            case 5 or 6:
                Repeat(tokens, at, length, random);
                break;
            case 7:
                // A member or an entry goes, with its comma or without.
                tokens.RemoveRange(at, Math.Min(length + random.Next(2), tokens.Count - at));
                break;
            case 8:
                tokens[at] = tokens[random.Next(tokens.Count)];
                break;
            default:
                LengthenString(tokens, at, random);
                break;
        }
    }

    // A key appears twice, or an entry many times.
    private static void Repeat(List<string> tokens, int at, int length, Random random)
    {
        int start = at >= 2 && tokens[at - 1] == ":" ? at - 2 : at;
        List<string> piece = [.. tokens.GetRange(start, at + length - start), ","];
        int copies = random.Next(4) > 0 ? 1 : random.Next(2, MostCopies);
        if ((long)copies * piece.Count > 20_000)
            copies = 1;
        for (int i = 0; i < copies; i++)
            tokens.InsertRange(start, piece);
    }

    private static List<string> Nest(List<string> value, Random random)
    {
        int depth = random.Next(3) > 0 ? random.Next(1, 70) : random.Next(MostNesting);
        bool isList = random.Next(2) == 0;
        string[] open = isList ? ["["] : ["{", "\"a\"", ":"];
        return [.. Enumerable.Repeat(open, depth).SelectMany(part => part), .. value, .. Enumerable.Repeat(isList ? "]" : "}", depth)];
    }

    private static void LengthenString(List<string> tokens, int at, Random random)
    {
        if (tokens[at] is ['"', .., '"'] text)
            tokens[at] = $"\"{string.Concat(Enumerable.Repeat(text[1..^1], random.Next(2, 200)))}\"";
    }

    private static void Replace(List<string> tokens, int at, int length, List<string> by)
    {
        tokens.RemoveRange(at, length);
        tokens.InsertRange(at, by);
    }

    // Mostly from the outside in, so that a field of the file is hit as often as the ten thousandth entry of a list in it; sometimes anywhere, marks too.
    private static int ValueAt(List<string> tokens, Random random)
    {
        if (random.Next(8) == 0)
            return random.Next(tokens.Count);
        int at = 0;
        while (JsonTokens.Children(tokens, at) is { Count: > 0 } children && (at == 0 || random.Next(4) > 0))
            at = children[random.Next(children.Count)];
        return at;
    }
}

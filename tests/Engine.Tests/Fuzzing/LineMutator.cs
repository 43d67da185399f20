using System.Text;

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>Damages a file of lines of two words, as tiktoken.model is one. Deterministic by seed.</summary>
internal sealed class LineMutator(string file)
{
    private static readonly string[] Words = ["", "0", "-1", "1", "255", "600", "2147483647", "4294967296", "1e3", "1.0", "IQ==", "I*==", "=", "QQ==QQ==", "AAAA", "/w==", "\t", "\r", "é", "#"];

    private readonly string[] _lines = file.Split('\n');

    public byte[] Make(int seed)
    {
        Random random = new(seed);
        List<string> lines = [.. _lines];
        for (int wounds = random.Next(1, 4); wounds > 0 && lines.Count > 0; wounds--)
            Wound(lines, random);
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(string.Join('\n', lines))];
        for (int wounds = random.Next(3); wounds > 0; wounds--)
            ByteMutator.Wound(bytes, random);
        return [.. bytes];
    }

    private static void Wound(List<string> lines, Random random)
    {
        int at = random.Next(lines.Count);
        string word = Words[random.Next(Words.Length)];
        string[] parts = lines[at].Split(' ');
        switch (random.Next(8))
        {
            case 0:
                lines[at] = $"{parts[0]} {word}";
                break;
            case 1:
                lines[at] = $"{word} {parts[^1]}";
                break;
            case 2:
                // A long token, of bytes that are tokens themselves.
                lines[at] = $"{Convert.ToBase64String(Enumerable.Repeat((byte)random.Next(256), random.Next(1, 3_000)).ToArray())} {parts[^1]}";
                break;
            case 3:
                lines.RemoveRange(at, Math.Min(random.Next(1, 20), lines.Count - at));
                break;
            case 4:
                lines.Insert(at, lines[random.Next(lines.Count)]);
                break;
            case 5:
                (lines[at], lines[^1]) = (lines[^1], lines[at]);
                break;
            case 6:
                lines[at] = $"{parts[0]} {random.Next(700)}";
                break;
            default:
                lines.Insert(at, word);
                break;
        }
    }
}

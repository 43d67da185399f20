using System.Text;
using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>Replaces every match of a pattern by fixed text.</summary>
internal sealed class ReplaceNormalizer(SplitPattern pattern, string content) : Normalizer
{
    public override double Growth => Math.Max(1, content.Length);

    public override string Normalize(string text)
    {
        List<(int Start, int End)> matches = [];
        pattern.FindAll(text, matches);
        if (matches.Count == 0)
            return text;
        StringBuilder result = new();
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            result.Append(text, done, start - done).Append(content);
            done = end;
        }

        return result.Append(text, done, text.Length - done).ToString();
    }
}

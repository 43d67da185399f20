using System.Globalization;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Golden;

/// <summary>Everything a probe got, in a form whose equality is equality of bits.</summary>
/// <param name="Tokens">Per token: id, bits of its log-probability, ids and bits of the alternatives.</param>
/// <param name="Logits">Prompt logits <c>[positions, vocabulary]</c>, or empty.</param>
internal sealed record Outcome(IReadOnlyList<string> Tokens, float[] Logits)
{
    public static Outcome Of(IEnumerable<GeneratedToken> tokens, float[] logits) => new([.. tokens.Select(Text)], logits);

    /// <summary>Null if equal; else the first place that differs.</summary>
    public string? DifferenceFrom(Outcome expected)
    {
        for (int i = 0; i < Math.Max(Tokens.Count, expected.Tokens.Count); i++)
        {
            string mine = i < Tokens.Count ? Tokens[i] : "nothing";
            string other = i < expected.Tokens.Count ? expected.Tokens[i] : "nothing";
            if (mine != other)
                return $"token {i}: {mine}, expected {other}";
        }

        if (Logits.Length != expected.Logits.Length)
            return $"{Logits.Length} logits, expected {expected.Logits.Length}";
        for (int i = 0; i < Logits.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(Logits[i]) != BitConverter.SingleToInt32Bits(expected.Logits[i]))
                return string.Create(CultureInfo.InvariantCulture, $"logit {i}: {Logits[i]:R}, expected {expected.Logits[i]:R}");
        }

        return null;
    }

    private static string Text(GeneratedToken token) => string.Create(CultureInfo.InvariantCulture,
        $"{token.Id}@{BitConverter.SingleToInt32Bits(token.LogProb):x8}")
        + string.Concat(token.TopLogProbs.Select(top => $" {top.Id}@{BitConverter.SingleToInt32Bits(top.LogProb):x8}"));
}

using System.Globalization;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

/// <summary>Published tokenizers against the JavaScript reference.</summary>
public sealed class RealTokenizerTests
{
    [Theory]
    [MemberData(nameof(RealTokenizers.Names), MemberType = typeof(RealTokenizers))]
    public void Encode_RealTokenizer_GivesReferenceIds(string name)
    {
        (Tokenizer tokenizer, GoldenTokens golden) = RealTokenizers.Load(name);
        Assert.Equal(2_000, golden.Cases.Count);
        AssertNone(golden.Cases.Select(expected =>
        {
            int[] ids = tokenizer.Encode(expected.Text, addSpecialTokens: false, parseSpecial: true);
            return ids.SequenceEqual(expected.Ids) ? null : $"{Show(expected.Text)}: expected [{string.Join(' ', expected.Ids)}], got [{string.Join(' ', ids)}]";
        }));
    }

    [Theory]
    [MemberData(nameof(RealTokenizers.Names), MemberType = typeof(RealTokenizers))]
    public void Decode_RealTokenizer_GivesReferenceText(string name)
    {
        (Tokenizer tokenizer, GoldenTokens golden) = RealTokenizers.Load(name);
        AssertNone(golden.Cases.Concat(golden.Random).SelectMany(expected => (string?[])
        [
            Difference(expected, expected.Decoded, tokenizer.Decode(expected.Ids, skipSpecial: false)),
            Difference(expected, expected.Plain, tokenizer.Decode(expected.Ids, skipSpecial: true)),
        ]));
    }

    private static string? Difference(GoldenCase expected, string? text, string actual) => text is null || text == actual
        ? null
        : $"decode [{string.Join(' ', expected.Ids)}]: expected {Show(text)}, got {Show(actual)}";

    private static void AssertNone(IEnumerable<string?> differences)
    {
        string[] all = [.. differences.OfType<string>()];
        Assert.True(all.Length == 0, $"{all.Length} differ:\n" + string.Join('\n', all.Take(20)));
    }

    private static string Show(string text) => "'" + string.Concat(text.Take(200).Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{((int)c).ToString("x4", CultureInfo.InvariantCulture)}")) + "'";
}

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

    // DeepSeek's pattern takes a half for another kind of character than U+FFFD, and Llama 2 has a token for U+FFFD itself.
    [Theory]
    [InlineData("qwen3", true)]
    [InlineData("llama3", true)]
    [InlineData("gptoss", true)]
    [InlineData("deepseek_v3", false)]
    [InlineData("llama2", false)]
    public void Encode_HalvesOfSurrogatePairs_CountAsReplacementCharacters(string name, bool isSameRaw)
    {
        GoldenCase[] halves = [.. RealTokenizers.Load(name).Golden.Cases.Where(some => some.IsSameRaw is not null)];
        Assert.True(halves.Length > 100);
        Assert.Equal(isSameRaw, halves.All(some => some.IsSameRaw == true));
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

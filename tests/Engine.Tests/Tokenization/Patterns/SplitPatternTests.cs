using MegaInfer.Engine.Tokenization;
using MegaInfer.Engine.Tokenization.Patterns;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization.Patterns;

public sealed class SplitPatternTests
{
    [Theory]
    [InlineData(@"\p{L}+", "aé𝒳 ß1", "aé𝒳|ß")]
    [InlineData(@"[^\s\p{L}\p{N}]+", "a😀!b", "😀!")]
    [InlineData(@"\p{N}{1,3}", "1234567", "123|456|7")]
    [InlineData(@"\s+(?!\S)|\s+", "a   b  ", "  | |  ")]
    [InlineData(@"(?i:'s|'ll)x", "'Sx 'LLx 'tx", "'Sx|'LLx")]
    [InlineData(@"a++b|a", "aab aa", "aab|a|a")]
    [InlineData(@"a+?b?", "aab", "a|ab")]
    [InlineData(@"(?:ab|a)(?:c|bd)", "abd abc", "abd|abc")]
    [InlineData(@"(?>a+)b|.", "aac", "a|a|c")]
    [InlineData(@"(?<=a)b|(?<!a)c", "ab cb ac c", "b|c|c")]
    [InlineData(@"[\p{L}&&[^\p{Lu}]]+", "abCDef", "ab|ef")]
    [InlineData(@"[[a-c]x-z\-]+", "ax-q", "ax-")]
    [InlineData(@"[\p{Han}]+", "ab中文カ", "中文")]
    [InlineData(@"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+", "x.abc [q", ".abc|[q")]
    [InlineData(@"^a|b$", "a\nab\nb", "a|a|b|b")]
    [InlineData(@"\Aa|a\z", "a a a", "a|a")]
    [InlineData(@"x{2}y{0,1}z{,2}", "xxyzzz xx", "xxyzz|xx")]
    [InlineData(@"\x41\u0042\x{1F600}", "AB😀", "AB😀")]
    [InlineData(@"a*", "baac", "aa")]
    [InlineData(@"\S\D\W", "a!. 1a-", "a!.|1a-")]
    public void FindAll_Pattern_MatchesLikeOniguruma(string pattern, string text, string expected)
    {
        List<(int Start, int End)> matches = [];
        new SplitPattern(pattern).FindAll(text, matches);
        Assert.Equal(expected, string.Join('|', matches.Select(match => text[match.Start..match.End])));
    }

    [Theory]
    [InlineData(@"(a")]
    [InlineData(@"a)")]
    [InlineData(@"[a")]
    [InlineData(@"*a")]
    [InlineData(@"\b")]
    [InlineData(@"(a)\1")]
    [InlineData(@"(?P<n>a)")]
    [InlineData(@"\p{Klingon}")]
    [InlineData(@"[b-a]")]
    [InlineData(@"a{3,2}")]
    [InlineData(@"(?<=ab)c")]
    [InlineData(@"[[:alpha:]]")]
    [InlineData(@"\")]
    public void Constructor_UnsupportedPattern_IsRefused(string pattern) =>
        Assert.Contains("not supported", Assert.Throws<FormatException>(() => new SplitPattern(pattern)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(@"(?:a+)+b")]
    [InlineData(@"(?:a|aa)*b")]
    [InlineData(@"(?:a*)*b")]
    public void FindAll_PatternThatExplodes_StopsWithAnError(string pattern) =>
        Assert.Throws<TokenizerException>(() => new SplitPattern(pattern).FindAll(new string('a', 5_000), []));
}

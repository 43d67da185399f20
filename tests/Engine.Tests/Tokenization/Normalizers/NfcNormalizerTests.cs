using MegaInfer.Engine.Tokenization.Normalizers;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization.Normalizers;

public sealed class NfcNormalizerTests
{
    [Theory]
    [InlineData("plain ASCII and é", "plain ASCII and é")]
    [InlineData("e\u0301", "é")]
    [InlineData("e\u0323\u0302", "ệ")]
    [InlineData("e\u0302\u0323", "ệ")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("\u212b\u2126", "ÅΩ")]
    [InlineData("\u1112\u1161\u11ab\u1100\u1161", "한가")]
    [InlineData("가\u11a8", "각")]
    [InlineData("\u0958", "\u0915\u093c")]
    [InlineData("\u09c7\u09be", "\u09cb")]
    [InlineData("\ufb01", "\ufb01")]
    [InlineData("\U0002f800", "\u4e3d")]
    [InlineData("\U0001d15e", "\U0001d157\U0001d165")]
    [InlineData("a\u0301\u0301b", "á\u0301b")]
    [InlineData("\u0301a", "\u0301a")]
    public void Normalize_Text_ComposesAsUnicodeSays(string text, string expected) =>
        Assert.Equal(expected, new NfcNormalizer().Normalize(text));
}

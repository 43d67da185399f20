using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.Node.Tests;

public sealed class CoreListTests
{
    [Theory]
    [InlineData("0", new[] { 0 })]
    [InlineData("0,2-3", new[] { 0, 2, 3 })]
    [InlineData("3,1,1-2", new[] { 1, 2, 3 })]
    [InlineData("255", new[] { 255 })]
    public void Parse_List_IsAscendingAndDistinct(string text, int[] expected) => Assert.Equal(expected, CoreList.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("3-1")]
    [InlineData("1-2-3")]
    [InlineData("256")]
    [InlineData("-1")]
    [InlineData("0,")]
    public void Parse_NotAList_NamesTheTextAndTheForm(string text)
    {
        MegaInferException error = Assert.Throws<MegaInferException>(() => CoreList.Parse(text));
        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("0,2-3", error.Message, StringComparison.Ordinal);
    }
}

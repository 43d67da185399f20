using System.Text;
using MegaInfer.Server.OpenAi;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

public sealed class SurrogateEscapesTests
{
    [Theory]
    [InlineData("""{"a": "x"}""", false)]
    [InlineData("""["\ud83d\ude00", "\uD83D\uDE00\ud83d\ude00", "é😀", "\u0000\n\\\"\/"]""", false)]
    [InlineData("""["\\ud83d", "\\\\ud83d"]""", false)]
    [InlineData("""["\\\ud83d"]""", true)]
    [InlineData("""["\ud83d"]""", true)]
    [InlineData("""["\ude00"]""", true)]
    [InlineData("""["\ud83dx\ude00"]""", true)]
    [InlineData("""["\ud83d\ud83d\ude00"]""", true)]
    [InlineData("""["\ud83d\n"]""", true)]
    [InlineData("""["\ud83d\\ude00"]""", true)]
    [InlineData("""{"\udfff": 1}""", true)]
    public void HasLoneHalf_Json_FindsHalves(string json, bool expected) => Assert.Equal(expected, SurrogateEscapes.HasLoneHalf(Encoding.UTF8.GetBytes(json)));
}

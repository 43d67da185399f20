using System.Text;
using CsCheck;
using MegaInfer.Engine.Tokenization;
using Xunit;

namespace MegaInfer.Engine.Tests.Tokenization;

public sealed class StopStringMatcherTests
{
    private static readonly Gen<string> FewLetters = Gen.String[Gen.Char["ab\n"], 0, 30];

    [Fact]
    public void Append_AnyPieces_EqualsTheWholeStringSearch() =>
        Gen.Select(FewLetters, Gen.String[Gen.Char["ab\n"], 0, 5].Array[0, 4], Gen.Int[1, 5].Array[1, 40]).Sample((text, stops, sizes) =>
        {
            (int length, string? matched) = WholeStringSearch(text, stops);
            StopStringMatcher matcher = new(stops);
            StringBuilder shown = new();
            int at = 0;
            for (int i = 0; at < text.Length; i++)
            {
                int size = Math.Min(sizes[i % sizes.Length], text.Length - at);
                shown.Append(matcher.Append(text.Substring(at, size)));
                at += size;
                // What is held back is never more than the longest end of the text that could still become a stop string.
                if (matcher.Matched is null)
                    Assert.Equal(at - LongestBeginning(text[..at], stops), shown.Length);
            }

            shown.Append(matcher.Flush());
            Assert.Equal(matched, matcher.Matched);
            Assert.Equal(text[..length], shown.ToString());
        }, iter: 20_000, threads: 1);

    [Fact]
    public void Append_AfterMatch_SwallowsEverything()
    {
        StopStringMatcher matcher = new(["END"]);
        Assert.Equal("x", matcher.Append("xE"));
        Assert.Equal("", matcher.Append("N"));
        Assert.Equal("", matcher.Append("D y"));
        Assert.Equal("END", matcher.Matched);
        Assert.Equal("", matcher.Append("z") + matcher.Flush());
    }

    // The match that is complete first; of those complete at the same place the longest.
    private static (int Length, string? Matched) WholeStringSearch(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string? best = stops.Where(stop => stop.Length > 0 && text.AsSpan(0, end).EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (best is not null)
                return (end - best.Length, best);
        }

        return (text.Length, null);
    }

    private static int LongestBeginning(string text, string[] stops) => stops
        .SelectMany(stop => Enumerable.Range(0, stop.Length).Where(length => text.EndsWith(stop[..length], StringComparison.Ordinal)))
        .DefaultIfEmpty(0)
        .Max();
}

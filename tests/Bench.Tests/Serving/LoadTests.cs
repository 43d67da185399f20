using System.Diagnostics;
using CsCheck;
using MegaInfer.Bench.Serving;
using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.Bench.Tests.Serving;

public sealed class LoadTests
{
    private static readonly LoadShape Shape = new() { Streams = 2, Requests = 400, PromptLength = 8, GenerateLength = 4, Rate = 5, Seed = 3 };

    [Fact]
    public void Arrivals_AreTheSameForASeed_GrowAndComeAtTheRate()
    {
        TimeSpan[] due = Shape.Arrivals();
        Assert.Equal(due, Shape.Arrivals());
        Assert.NotEqual(due, (Shape with { Seed = 4 }).Arrivals());
        Assert.Equal(due.Order(), due);
        Assert.InRange(due.Length / due[^1].TotalSeconds, 4, 6);
    }

    [Fact]
    public void Prompts_AreDistinctAndInTheVocabulary()
    {
        int[][] prompts = [.. Enumerable.Range(0, 50).Select(index => Shape.Prompt(index, 1000))];
        Assert.Equal(50, prompts.Select(prompt => string.Join(',', prompt)).Distinct().Count());
        Assert.All(prompts, prompt => Assert.All(prompt, id => Assert.InRange(id, 0, 999)));
    }

    [Theory]
    [InlineData(0, 1, 1, 2)]
    [InlineData(1, 0, 1, 2)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 1, 60, 10)]
    public void Check_WhatCannotBe_IsRefused(int streams, int requests, int prompt, int generate) => Assert.Throws<MegaInferException>(
        () => (Shape with { Streams = streams, Requests = requests, PromptLength = prompt, GenerateLength = generate }).Check(contextLength: 64));

    [Fact]
    public void Percentile_IsTheLeastValueThatEnoughDoNotExceed() => Gen.Double[0, 100].Array[1, 50].Select(Gen.Double[0, 1]).Sample((values, share) =>
    {
        double[] sorted = [.. values.Order()];
        double found = LoadResult.Percentile(sorted, share);
        return sorted.Contains(found) && sorted.Count(value => value <= found) >= share * sorted.Length
            && (found == sorted[0] || sorted.Count(value => value < found) < share * sorted.Length);
    });

    [Fact]
    public void Result_CountsFromWhenARequestWasDue()
    {
        long ms = Stopwatch.Frequency / 1000;
        var sound = new StreamedRequest(0, [100 * ms, 110 * ms, 130 * ms], 3, null);
        var result = new LoadResult([sound, new StreamedRequest(50 * ms, [], 0, "refused")], 0.5, 1, 0.2, 0.1, 0);
        Assert.Equal(1, result.Sound);
        Assert.Equal(6, result.TokensPerSecond);
        Assert.Equal(100, result.FirstMs(0.5), 3);
        Assert.Equal(10, result.BetweenMs(0.5), 3);
        Assert.Equal(20, result.BetweenMs(1), 3);
    }

    [Fact]
    public void Read_TakesTextAndUsage_AndLeavesTheRest()
    {
        var chunks = new List<long>();
        int tokens = 0;
        string[] lines =
        [
            "data: {\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":null}]}", "", ": comment",
            "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":null}",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":7}}", "data: [DONE]",
        ];
        foreach (string line in lines)
            tokens = StreamedRequest.Read(line, chunks, tokens);
        Assert.Single(chunks);
        Assert.Equal(7, tokens);
    }

    [Fact]
    public void Read_AnErrorInTheStream_IsAnError() =>
        Assert.Throws<IOException>(() => StreamedRequest.Read("data: {\"error\":{\"message\":\"no\"}}", [], 0));
}

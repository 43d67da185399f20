using System.Runtime.InteropServices;
using CsCheck;
using MegaInfer.AttentionNodes.Control;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using Xunit;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;
using SequenceEnd = MegaInfer.AttentionNodes.Scheduling.SequenceEnd;
using TokenLogProb = MegaInfer.Engine.Requests.TokenLogProb;

namespace MegaInfer.AttentionNodes.Tests.Control;

public sealed class ProgressWriterTests
{
    [Fact]
    public void Messages_Token_CarriesEverything()
    {
        var token = new GeneratedToken(5, -1.5f, new WeightVersion(3), [new TokenLogProb(5, -1.5f), new TokenLogProb(8, -2f)]);
        var report = new StepReport([new SequenceReport(new SequenceId(7), [token], default, new SequenceEnd(FinishReason.Stop, null, 16))]);
        SequenceProgress progress = Assert.Single(Assert.Single(new ProgressWriter(100).Messages(report)).Progress.Sequences);
        Token sent = Assert.Single(progress.Tokens);
        Assert.Equal((7, 5, -1.5f, 3), (progress.SequenceId, sent.Id, sent.LogProb, sent.WeightVersion));
        Assert.Equal([(5, -1.5f), (8, -2f)], sent.Top.Select(top => (top.Id, top.LogProb)));
        Assert.Equal((Proto.FinishReason.Stop, "", 16), (progress.End.Reason, progress.End.Message, progress.End.CachedTokens));
    }

    [Fact]
    public void Messages_LargeLogits_AreCutBetweenPositionsAndComeFirst() =>
        Gen.Select(Gen.OneOf(Gen.Const(100), Gen.Const(40_000), Gen.Const(300_000)), Gen.Int[0, 8].Array[1, 2]).Sample((vocabulary, positions) =>
        {
            SequenceReport[] sequences = [.. positions.Select((count, i) => new SequenceReport(
                new SequenceId(i),
                [new GeneratedToken(i, 0, default, [])],
                Enumerable.Range(0, count * vocabulary).Select(value => (float)value).ToArray(),
                new SequenceEnd(FinishReason.Length, null, 0)))];
            SequenceProgress[] sent = [.. new ProgressWriter(vocabulary).Messages(new StepReport(sequences)).SelectMany(message =>
            {
                int bytes = message.Progress.Sequences.Sum(progress => progress.PromptLogits.Length);
                Assert.InRange(bytes, 0, Math.Max(ProgressWriter.LogitBytes, vocabulary * sizeof(float)));
                return message.Progress.Sequences;
            })];
            for (int i = 0; i < positions.Length; i++)
            {
                SequenceProgress[] own = [.. sent.Where(progress => progress.SequenceId == i)];
                float[] logits = [.. own.SelectMany(progress => MemoryMarshal.Cast<byte, float>(progress.PromptLogits.Span).ToArray())];
                Assert.True(sequences[i].PromptLogits.Span.SequenceEqual(logits));
                Assert.All(own, progress => Assert.Equal(0, progress.PromptLogits.Length % (vocabulary * sizeof(float))));
                Assert.Equal([.. Enumerable.Repeat(false, own.Length - 1), true], own.Select(progress => progress.End is not null && progress.Tokens.Count == 1));
            }
        }, iter: 10, threads: 1);
}

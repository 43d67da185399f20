using System.Text;
using CsCheck;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Tokenization;
using MegaInfer.Server.Streaming;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Streaming;

/// <summary>Ids to text: characters and stop strings whole, whatever the borders.</summary>
public sealed class TextStreamTests
{
    private static readonly Tokenizer Model = Tokenizer.Load(TestModel.Folder);

    // Few letters, so that stop strings and their beginnings occur; one of two bytes.
    private static readonly Gen<string> Texts = Gen.Int[0, 2].Select(i => "abü"[i].ToString()).Array[0, 20].Select(string.Concat);

    [Fact]
    public async Task AnyText_EndsBeforeTheFirstWholeStopString() => await Gen.Select(Texts, Texts.Where(text => text.Length is > 0 and < 4).Array[0, 3]).SampleAsync(async (text, stops) =>
    {
        FinishReason? asked = null;
        using var tokens = new TokenStream(Request(), 100, reason => asked = reason);
        foreach (int id in TestModel.Tokens(text))
            tokens.Offer(new StreamItem(new GeneratedToken(id, 0, default, []), default));
        tokens.Complete(new SequenceEnd(FinishReason.Length));
        using var stream = new TextStream(tokens, Model, stops, [TestModel.MessageEnd]);
        var got = new StringBuilder();
        await foreach (TextChunk chunk in stream.ReadAsync(CancellationToken.None))
            got.Append(chunk.Text);

        (string expected, bool isStopped) = Naive(text, stops);
        Assert.Equal(expected, got.ToString());
        Assert.Equal(isStopped ? FinishReason.Stop : FinishReason.Length, stream.End.Reason);
    });

    [Fact]
    public async Task StopString_AsksForTheEndUpstream()
    {
        FinishReason? asked = null;
        using var tokens = new TokenStream(Request(), 100, reason => asked = reason);
        foreach (int id in TestModel.Tokens("one two"))
            tokens.Offer(new StreamItem(new GeneratedToken(id, 0, default, []), default));
        using var stream = new TextStream(tokens, Model, [" t"], []);
        await foreach (TextChunk _ in stream.ReadAsync(CancellationToken.None))
        {
        }

        Assert.Equal(FinishReason.Stop, asked);
        Assert.Equal(5, stream.TokenCount);
    }

    [Fact]
    public void Dispose_BeforeTheEnd_CancelsOnce()
    {
        var asked = new List<FinishReason>();
        TokenStream? tokens = null;
        tokens = new TokenStream(Request(), 100, reason =>
        {
            asked.Add(reason);
            tokens!.Complete(new SequenceEnd(reason));
        });
        tokens.Dispose();
        tokens.Dispose();
        Assert.Equal([FinishReason.Cancelled], asked);
    }

    private static GenerationRequest Request() => new()
    {
        Id = new SequenceId(1),
        PromptTokens = new[] { 1 },
        MaxTokens = 100,
        Sampling = new SamplingParameters { Seed = 0 },
    };

    private static (string Text, bool IsStopped) Naive(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string? found = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (found is not null)
                return (text[..(end - found.Length)], true);
        }

        return (text, false);
    }
}

using System.Text;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.OpenAi;

/// <summary>One whole sample.</summary>
/// <param name="Text">Without what ended it.</param>
/// <param name="Tokens">All of them, what ended it included.</param>
/// <param name="FinishReason">In OpenAI's words.</param>
internal sealed record SampleText(string Text, IReadOnlyList<GeneratedToken> Tokens, string FinishReason)
{
    /// <exception cref="ApiException">The sample was not finished.</exception>
    public static async Task<SampleText> ReadAsync(TextStream stream, CancellationToken cancel)
    {
        var text = new StringBuilder();
        var tokens = new List<GeneratedToken>();
        await foreach (TextChunk chunk in stream.ReadAsync(cancel))
        {
            text.Append(chunk.Text);
            tokens.AddRange(chunk.Tokens);
        }

        return new SampleText(text.ToString(), tokens, Samples.FinishReasonOf(stream.End));
    }

    /// <summary>All samples of a request, by index; the first that fails ends the others.</summary>
    public static async Task<SampleText[]> ReadAllAsync(Samples samples, CancellationToken cancel)
    {
        using CancellationTokenSource others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        return await Together.WhenAllAsync(samples.Streams.Select(stream => ReadAsync(stream, others.Token)), others);
    }
}

using System.Globalization;
using System.Text;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Tokenization;
using MegaInfer.Server.OpenAi.Responses;

namespace MegaInfer.Server.OpenAi;

/// <summary>Tokens with their log-probabilities, in the shapes of the two endpoints.</summary>
internal static class LogProbTexts
{
    // JSON has no infinity; clients of other servers know this number for "never".
    private const float Least = -9999f;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static ChatLogProbs Chat(Tokenizer tokenizer, IReadOnlyList<GeneratedToken> tokens) => new(
        [.. tokens.Select(token => new TokenLogProbs(
            tokenizer.TokenText(token.Id), Finite(token.LogProb), BytesOf(tokenizer, token.Id),
            [.. token.TopLogProbs.Select(top => new TopLogProb(tokenizer.TokenText(top.Id), Finite(top.LogProb), BytesOf(tokenizer, top.Id)))]))]);

    /// <param name="tokenizer">The model's.</param>
    /// <param name="tokens">The tokens of one choice, or of one chunk of it.</param>
    /// <param name="textOffset">Characters of the choice's text before the first of them.</param>
    public static CompletionLogProbs Completion(Tokenizer tokenizer, IReadOnlyList<GeneratedToken> tokens, ref int textOffset)
    {
        var offsets = new List<int>(tokens.Count);
        foreach (GeneratedToken token in tokens)
        {
            offsets.Add(textOffset);
            textOffset += tokenizer.IsSpecial(token.Id) ? 0 : tokenizer.TokenText(token.Id).Length;
        }

        return new CompletionLogProbs(
            [.. tokens.Select(token => Name(tokenizer, token.Id))], [.. tokens.Select(token => Finite(token.LogProb))], [.. tokens.Select(token => Top(tokenizer, token))], offsets);
    }

    private static Dictionary<string, float> Top(Tokenizer tokenizer, GeneratedToken token)
    {
        var top = new Dictionary<string, float>();
        foreach (TokenLogProb entry in token.TopLogProbs.Append(new TokenLogProb(token.Id, token.LogProb)))
            top.TryAdd(Name(tokenizer, entry.Id), Finite(entry.LogProb));
        return top;
    }

    /// <summary>A token's text, or its bytes in OpenAI's spelling where they are not whole characters.</summary>
    private static string Name(Tokenizer tokenizer, int id)
    {
        ReadOnlySpan<byte> bytes = tokenizer.TokenBytes(id).Span;
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            var name = new StringBuilder("bytes:");
            foreach (byte value in bytes)
                name.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            return name.ToString();
        }
    }

    private static int[] BytesOf(Tokenizer tokenizer, int id) => [.. tokenizer.TokenBytes(id).ToArray().Select(value => (int)value)];

    private static float Finite(float logProb) => MathF.Max(logProb, Least);
}

using MegaInfer.Proto;

namespace MegaInfer.Server.Routing;

/// <summary>What an attention node may say about a sequence. A node can be wrong; what it says is checked before it reaches a client.</summary>
internal static class ProgressCheck
{
    /// <returns>What is wrong, to complete "it sent ..."; null: nothing.</returns>
    public static string? Fault(SequenceProgress part, RoutedSequence sequence, int vocabularySize)
    {
        if (sequence.Emitted.Count + part.Tokens.Count > sequence.Request.MaxTokens)
            return $"more than the {sequence.Request.MaxTokens} tokens that {sequence.Id} may have";
        foreach (Token token in part.Tokens)
        {
            if ((uint)token.Id >= (uint)vocabularySize || token.Top.Any(top => (uint)top.Id >= (uint)vocabularySize))
                return $"a token outside the vocabulary for {sequence.Id}";
        }

        if (part.PromptLogits.IsEmpty)
            return null;
        long expected = (long)sequence.Request.PromptTokens.Length * vocabularySize * sizeof(float);
        long got = sequence.LogitsBytes - sequence.LogitsToSkip + part.PromptLogits.Length;
        return sequence.Request.PromptLogits && got <= expected ? null : $"more prompt logits than {sequence.Id} asked for";
    }
}

using System.Runtime.InteropServices;
using Google.Protobuf;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using SequenceEnd = MegaInfer.Proto.SequenceEnd;
using TokenLogProb = MegaInfer.Proto.TokenLogProb;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>A node's step reports as messages of the Work stream.</summary>
/// <param name="vocabularySize">Logits are cut between positions.</param>
internal sealed class ProgressWriter(int vocabularySize)
{
    /// <summary>Prompt logits of one message, well below what gRPC takes by default (4 MiB), unless one position is more.</summary>
    internal const int LogitBytes = 1 << 20;

    private readonly int _positions = Math.Max(1, LogitBytes / (vocabularySize * sizeof(float)));

    /// <summary>The report in order; several messages where prompt logits are large.</summary>
    internal IEnumerable<WorkReport> Messages(StepReport report)
    {
        var progress = new Progress();
        foreach (SequenceReport sequence in report.Sequences)
        {
            int share = _positions * vocabularySize;
            ReadOnlyMemory<float> logits = sequence.PromptLogits;
            for (; logits.Length > share; logits = logits[share..])
                yield return Of(new Progress { Sequences = { new SequenceProgress { SequenceId = sequence.Id.Value, PromptLogits = Bytes(logits[..share]) } } });
            progress.Sequences.Add(Last(sequence, logits));
            if (logits.Length > 0)
            {
                yield return Of(progress);
                progress = new Progress();
            }
        }

        if (progress.Sequences.Count > 0)
            yield return Of(progress);
    }

    private static WorkReport Of(Progress progress) => new() { Progress = progress };

    private static ByteString Bytes(ReadOnlyMemory<float> logits) => ByteString.CopyFrom(MemoryMarshal.AsBytes(logits.Span));

    private static SequenceProgress Last(SequenceReport sequence, ReadOnlyMemory<float> logits)
    {
        var progress = new SequenceProgress { SequenceId = sequence.Id.Value, PromptLogits = Bytes(logits) };
        foreach (GeneratedToken token in sequence.Tokens)
            progress.Tokens.Add(Token(token));
        if (sequence.End is { } end)
            progress.End = new SequenceEnd { Reason = (Proto.FinishReason)(int)end.Reason, Message = end.Message ?? "", CachedTokens = end.CachedTokens };
        return progress;
    }

    private static Token Token(GeneratedToken token)
    {
        var message = new Token { Id = token.Id, LogProb = token.LogProb, WeightVersion = token.Version.Value };
        for (int i = 0; i < token.TopLogProbs.Count; i++)
            message.Top.Add(new TokenLogProb { Id = token.TopLogProbs[i].Id, LogProb = token.TopLogProbs[i].LogProb });
        return message;
    }
}

using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using ExpertMember = MegaInfer.AttentionNodes.Pipeline.ExpertMember;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>What the server orders and announces while a node serves, in the node's own types.</summary>
internal static class OrderReader
{
    internal static GenerationRequest Request(StartSequence start) => new()
    {
        Id = new SequenceId(start.SequenceId),
        PromptTokens = start.PromptTokens.ToArray(),
        ResumedTokens = start.ResumedTokens.ToArray(),
        Sampling = Sampling(start.Sampling ?? new Proto.Sampling(), start.SampleIndex),
        MaxTokens = start.Limits?.MaxTokens ?? 0,
        MinTokens = start.Limits?.MinTokens ?? 0,
        StopTokenIds = start.Limits?.StopTokenIds.ToArray() ?? [],
        IgnoreEos = start.Limits?.IgnoreEos ?? false,
        TopLogProbs = start.TopLogProbs,
        PromptLogits = start.PromptLogits,
        Deadline = start.Limits is { DeadlineMs: > 0 } limits ? TimeSpan.FromMilliseconds(limits.DeadlineMs) : null,
    };

    internal static ClusterSnapshot Snapshot(Snapshot snapshot) => new(
        snapshot.Epoch,
        [.. snapshot.Experts.Select(member => new ExpertMember(
            new NodeId(member.NodeId),
            new Rank((int)member.Rank),
            member.M2NAddress.ToByteArray(),
            [.. member.Experts.Select(expert => new ExpertId(expert))]))]);

    private static SamplingParameters Sampling(Proto.Sampling sampling, int sampleIndex) => new()
    {
        Temperature = sampling.HasTemperature ? sampling.Temperature : 1f,
        TopK = sampling.TopK,
        TopP = sampling.HasTopP ? sampling.TopP : 1f,
        MinP = sampling.MinP,
        RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : 1f,
        PresencePenalty = sampling.PresencePenalty,
        FrequencyPenalty = sampling.FrequencyPenalty,
        LogitBias = new Dictionary<int, float>(sampling.LogitBias),
        Seed = sampling.Seed,
        SampleIndex = sampleIndex,
    };
}

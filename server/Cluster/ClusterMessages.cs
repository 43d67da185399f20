using System.Net;
using Google.Protobuf;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;
using NodeRole = MegaInfer.Engine.Cluster.NodeRole;

namespace MegaInfer.Server.Cluster;

/// <summary>The messages of cluster.proto in the server's own types and back; the one place that knows both.</summary>
internal static class ClusterMessages
{
    private const uint AttentionRole = 1;

    public static JoinRequest Join(Join join, IPAddress? address) => new(
        (uint)join.Role == AttentionRole ? NodeRole.Attention : NodeRole.Expert, join.Host, join.Pid, Math.Max(join.ChildIndex, -1), address);

    public static ReadyReport Ready(Ready ready) => new(
        ready.ModelDigest, ready.NumericsId, ready.Backend, ready.M2NAddress.ToByteArray(), ready.WeightBytes, ready.KvTokenCapacity);

    public static ServerMessage Refused(string reason) => new() { Refused = new Refused { Reason = reason } };

    public static ServerMessage Welcome(ClusterSpec spec, ClusterNode node) => new()
    {
        Welcome = new Welcome
        {
            NodeId = node.Id.Value,
            Rank = (uint)node.Rank.Value,
            ModelFolder = spec.ModelFolder,
            WeightType = spec.WeightType,
            KvType = spec.KvType,
            Experts = { node.Experts.Select(expert => expert.Value) },
            M2N = new M2nSettings
            {
                Transport = spec.M2NTransport,
                Slots = Engine.Cluster.PipelineShape.Slots,
                MaxRows = (uint)spec.Shape.MaxRows,
                MaxPairs = (uint)spec.Shape.MaxPairs,
                MaxGroups = (uint)spec.Shape.MaxGroups,
                RowBytes = (uint)spec.Shape.RowBytes,
                ResultBytes = (uint)spec.Shape.ResultBytes,
                MaxPeers = (uint)spec.MaxPeers,
                Secret = ByteString.CopyFrom(spec.M2NSecret.Span),
                DeviceRows = spec.DeviceRows,
            },
            Attention = new AttentionSettings
            {
                MicroBatches = spec.MicroBatches,
                MaxStepRows = spec.Shape.MaxRows,
                MaxChunkRows = spec.MaxChunkRows,
                StepTargetMs = spec.StepTargetMs,
                MaxSequences = spec.MaxSequences,
                KvBlocks = spec.KvBlocks,
                PrefixCache = spec.PrefixCache,
                DispatchDeadlineMs = (long)spec.DispatchDeadline.TotalMilliseconds,
            },
            HeartbeatMs = (long)spec.HeartbeatInterval.TotalMilliseconds,
            LeaseMs = (long)spec.Lease.TotalMilliseconds,
            Threads = spec.Threads,
            GatherShare = spec.GatherShare,
            NoWeightCache = !spec.WeightCache,
        },
    };

    public static ServerMessage Snapshot(Membership membership) => new()
    {
        Snapshot = new Snapshot
        {
            Epoch = membership.Epoch,
            Experts =
            {
                membership.ReadyExperts.Select(node => new ExpertMember
                {
                    NodeId = node.Id.Value,
                    Rank = (uint)node.Rank.Value,
                    M2NAddress = ByteString.CopyFrom(node.Ready!.M2NAddress.Span),
                    Experts = { node.Experts.Select(expert => expert.Value) },
                }),
            },
        },
    };

    /// <param name="request">What is left of the deadline is in it.</param>
    public static WorkOrder Start(GenerationRequest request) => new()
    {
        Start = new StartSequence
        {
            SequenceId = request.Id.Value,
            PromptTokens = { request.PromptTokens.ToArray() },
            ResumedTokens = { request.ResumedTokens.ToArray() },
            Sampling = Sampling(request.Sampling),
            SampleIndex = request.Sampling.SampleIndex,
            Limits = Limits(request),
            TopLogProbs = request.TopLogProbs,
            PromptLogits = request.PromptLogits,
        },
    };

    public static WorkOrder Cancel(SequenceId id) => new() { Cancel = new CancelSequence { SequenceId = id.Value } };

    public static GeneratedToken Token(Token token) => new(
        token.Id, token.LogProb, new WeightVersion(token.WeightVersion),
        token.Top.Count == 0 ? [] : [.. token.Top.Select(top => new Engine.Requests.TokenLogProb(top.Id, top.LogProb))]);

    public static FinishReason Reason(Proto.FinishReason reason) =>
        Enum.IsDefined((FinishReason)reason) ? (FinishReason)reason : FinishReason.Failed;

    private static Sampling Sampling(SamplingParameters sampling)
    {
        var message = new Sampling
        {
            Temperature = sampling.Temperature,
            TopK = sampling.TopK,
            TopP = sampling.TopP,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.RepetitionPenalty,
            PresencePenalty = sampling.PresencePenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            Seed = sampling.Seed,
        };
        foreach ((int token, float bias) in sampling.LogitBias)
            message.LogitBias.Add(token, bias);
        return message;
    }

    private static Limits Limits(GenerationRequest request) => new()
    {
        MaxTokens = request.MaxTokens,
        MinTokens = request.MinTokens,
        StopTokenIds = { request.StopTokenIds },
        IgnoreEos = request.IgnoreEos,
        // A deadline that has nearly passed must not read as none.
        DeadlineMs = request.Deadline is { } left ? Math.Max(1, (long)left.TotalMilliseconds) : 0,
    };
}

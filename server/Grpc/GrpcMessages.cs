using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using GeneratedToken = MegaInfer.Engine.Requests.GeneratedToken;
using SequenceEnd = MegaInfer.Server.Streaming.SequenceEnd;

namespace MegaInfer.Server.Grpc;

/// <summary>The messages of inference.proto and rollout.proto in engine types and back; the one place of the client doors that knows both.</summary>
internal static class GrpcMessages
{
    /// <summary>With the defaults that sampling.proto states.</summary>
    public static SamplingParameters Sampling(Sampling? sampling, ulong seed, int sampleIndex)
    {
        sampling ??= new Sampling();
        return new SamplingParameters
        {
            Temperature = sampling.HasTemperature ? sampling.Temperature : 1,
            TopK = sampling.TopK,
            TopP = sampling.HasTopP ? sampling.TopP : 1,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : 1,
            PresencePenalty = sampling.PresencePenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            LogitBias = new Dictionary<int, float>(sampling.LogitBias),
            Seed = seed,
            SampleIndex = sampleIndex,
        };
    }

    /// <summary>One sequence. Its bounds are not checked here.</summary>
    public static GenerationRequest Request(SequenceId id, int[] prompt, SamplingParameters sampling, Limits? limits, int topLogProbs, ModelSpec spec)
    {
        limits ??= new Limits();
        // At least 1, so that a prompt without room is refused for its length.
        int room = Math.Max(spec.ContextLength - prompt.Length, 1);
        return new GenerationRequest
        {
            Id = id,
            PromptTokens = prompt,
            Sampling = sampling,
            MaxTokens = limits.HasMaxTokens ? Math.Min(limits.MaxTokens, room) : room,
            MinTokens = limits.MinTokens,
            StopTokenIds = [.. limits.StopTokenIds],
            IgnoreEos = limits.IgnoreEos,
            TopLogProbs = topLogProbs,
            Deadline = limits.DeadlineMs == 0 ? null : TimeSpan.FromMilliseconds(Math.Min(limits.DeadlineMs, int.MaxValue)),
        };
    }

    public static Token Token(GeneratedToken token)
    {
        var message = new Token { Id = token.Id, LogProb = token.LogProb, WeightVersion = token.Version.Value };
        foreach (Engine.Requests.TokenLogProb top in token.TopLogProbs)
            message.Top.Add(new Proto.TokenLogProb { Id = top.Id, LogProb = top.LogProb });
        return message;
    }

    public static Finished Finished(GenerationRequest request, int generated, SequenceEnd end) => new()
    {
        Reason = (Proto.FinishReason)(int)end.Reason,
        Message = end.Message,
        PromptTokens = request.PromptTokens.Length,
        GeneratedTokens = generated,
        CachedTokens = end.CachedTokens,
    };

    /// <summary>A finished sample.</summary>
    public static RolloutSample Sample(RolloutPrompt prompt, int promptIndex, GenerationRequest request, IReadOnlyList<GeneratedToken> tokens, SequenceEnd end)
    {
        var sample = new RolloutSample
        {
            PromptId = prompt.Id,
            PromptIndex = promptIndex,
            SampleIndex = request.Sampling.SampleIndex,
            Seed = request.Sampling.Seed,
            FinishReason = (Proto.FinishReason)(int)end.Reason,
            Message = end.Message,
        };
        sample.PromptTokenIds.AddRange(request.PromptTokens.ToArray());
        foreach (GeneratedToken token in tokens)
        {
            sample.TokenIds.Add(token.Id);
            sample.LogProbs.Add(token.LogProb);
            if (sample.Versions.Count > 0 && sample.Versions[^1].WeightVersion == token.Version.Value)
                sample.Versions[^1].Tokens++;
            else
                sample.Versions.Add(new VersionSpan { WeightVersion = token.Version.Value, Tokens = 1 });
        }

        return sample;
    }
}

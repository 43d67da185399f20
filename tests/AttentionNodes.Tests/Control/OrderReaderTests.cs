using MegaInfer.AttentionNodes.Control;
using MegaInfer.Engine.Requests;
using MegaInfer.Proto;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Control;

public sealed class OrderReaderTests
{
    [Fact]
    public void Request_Everything_IsRead()
    {
        GenerationRequest request = OrderReader.Request(new StartSequence
        {
            SequenceId = 11,
            PromptTokens = { 1, 2 },
            ResumedTokens = { 3 },
            SampleIndex = 4,
            TopLogProbs = 5,
            PromptLogits = true,
            Sampling = new Proto.Sampling
            {
                Temperature = 0.5f,
                TopK = 6,
                TopP = 0.7f,
                MinP = 0.1f,
                RepetitionPenalty = 1.1f,
                PresencePenalty = 0.2f,
                FrequencyPenalty = 0.3f,
                Seed = 99,
                LogitBias = { [8] = -1f },
            },
            Limits = new Limits { MaxTokens = 20, MinTokens = 2, StopTokenIds = { 30, 31 }, IgnoreEos = true, DeadlineMs = 1500 },
        });
        Assert.Equal((11, 20, 2, true, 5, true), (request.Id.Value, request.MaxTokens, request.MinTokens, request.IgnoreEos, request.TopLogProbs, request.PromptLogits));
        Assert.Equal([1, 2], request.PromptTokens.ToArray());
        Assert.Equal([3], request.ResumedTokens.ToArray());
        Assert.Equal([30, 31], request.StopTokenIds);
        Assert.Equal(TimeSpan.FromSeconds(1.5), request.Deadline);
        SamplingParameters sampling = request.Sampling;
        Assert.Equal((0.5f, 6, 0.7f, 0.1f), (sampling.Temperature, sampling.TopK, sampling.TopP, sampling.MinP));
        Assert.Equal((1.1f, 0.2f, 0.3f), (sampling.RepetitionPenalty, sampling.PresencePenalty, sampling.FrequencyPenalty));
        Assert.Equal((99UL, 4, -1f), (sampling.Seed, sampling.SampleIndex, sampling.LogitBias[8]));
    }

    [Fact]
    public void Request_AbsentFields_TakeTheDefaultsOfTheProto()
    {
        GenerationRequest request = OrderReader.Request(new StartSequence { PromptTokens = { 1 }, Limits = new Limits { MaxTokens = 1 } });
        Assert.Equal((1f, 0, 1f, 0f, 1f), (request.Sampling.Temperature, request.Sampling.TopK, request.Sampling.TopP, request.Sampling.MinP, request.Sampling.RepetitionPenalty));
        Assert.Null(request.Deadline);
    }
}

using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using Xunit;

namespace MegaInfer.Engine.Tests.Requests;

public sealed class RequestValidationTests
{
    private static readonly ModelSpec Spec = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 8,
        Layers = LayerSpec.Alike(1),
        VocabularySize = 100,
        ContextLength = 16,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = false,
        Attention = new GroupedAttentionSpec(1, 1, 8) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(1e4f, 8),
        Router = new RouterSpec(2, 1, true),
        Experts = new ExpertSpec(8),
        EosTokenIds = [],
    };

    private static readonly SamplingParameters Plain = new() { Seed = 1 };

    private static readonly GenerationRequest Sound =
        new() { Id = new SequenceId(1), PromptTokens = new[] { 1, 2, 3 }, Sampling = Plain, MaxTokens = 5, MinTokens = 5, TopLogProbs = 20 };

    public static TheoryData<string, GenerationRequest> Problems => new()
    {
        { "prompt", Sound with { PromptTokens = Array.Empty<int>() } },
        { "prompt", Sound with { PromptTokens = new[] { 100 } } },
        { "prompt", Sound with { PromptTokens = new[] { -1 } } },
        { "prompt", Sound with { PromptTokens = new int[16] } },
        { "prompt", Sound with { PromptTokens = new int[10], ResumedTokens = new int[6] } },
        { "resumed_tokens", Sound with { ResumedTokens = new[] { 100 } } },
        { "max_tokens", Sound with { MaxTokens = 0, MinTokens = 0 } },
        { "max_tokens", Sound with { MaxTokens = -1, MinTokens = 0, PromptLogits = true } },
        { "min_tokens", Sound with { MinTokens = 6 } },
        { "min_tokens", Sound with { MinTokens = -1 } },
        { "top_logprobs", Sound with { TopLogProbs = 21 } },
        { "stop_token_ids", Sound with { StopTokenIds = [100] } },
        { "deadline", Sound with { Deadline = TimeSpan.Zero } },
        { "temperature", Sound with { Sampling = Plain with { Temperature = -0.1f } } },
        { "temperature", Sound with { Sampling = Plain with { Temperature = float.NaN } } },
        { "temperature", Sound with { Sampling = Plain with { Temperature = float.PositiveInfinity } } },
        { "top_k", Sound with { Sampling = Plain with { TopK = -1 } } },
        { "top_p", Sound with { Sampling = Plain with { TopP = 0 } } },
        { "top_p", Sound with { Sampling = Plain with { TopP = 1.1f } } },
        { "min_p", Sound with { Sampling = Plain with { MinP = 1.1f } } },
        { "repetition_penalty", Sound with { Sampling = Plain with { RepetitionPenalty = 0 } } },
        { "presence_penalty", Sound with { Sampling = Plain with { PresencePenalty = 2.1f } } },
        { "frequency_penalty", Sound with { Sampling = Plain with { FrequencyPenalty = -2.1f } } },
        { "sample_index", Sound with { Sampling = Plain with { SampleIndex = -1 } } },
        { "logit_bias", Sound with { Sampling = Plain with { LogitBias = new Dictionary<int, float> { [100] = 1 } } } },
        { "logit_bias", Sound with { Sampling = Plain with { LogitBias = new Dictionary<int, float> { [1] = 101 } } } },
    };

    [Theory]
    [MemberData(nameof(Problems), DisableDiscoveryEnumeration = true)]
    public void Validate_OutOfBounds_NamesTheField(string field, GenerationRequest request)
    {
        RequestProblem? problem = request.Validate(Spec);

        Assert.Equal(field, problem?.Field);
        Assert.Contains(field, problem!.Message);
        Assert.EndsWith(".", problem.Message);
    }

    [Fact]
    public void Validate_AtTheBounds_IsSound()
    {
        Assert.Null(Sound.Validate(Spec));
        Assert.Null((Sound with { PromptLogits = true, MaxTokens = 0, MinTokens = 0 }).Validate(Spec));
        Assert.Null((Sound with { Sampling = Plain with { Temperature = 0, TopP = 0.1f, MinP = 1, FrequencyPenalty = -2 } }).Validate(Spec));
    }

    [Fact]
    public void Validate_Message_ShowsTheNumberAsGiven() =>
        Assert.Equal(
            "temperature must be 0 or larger, found -0.1.", (Sound with { Sampling = Plain with { Temperature = -0.1f } }).Validate(Spec)!.Message);
}

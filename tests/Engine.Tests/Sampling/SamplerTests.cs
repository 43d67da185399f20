using CsCheck;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;
using Xunit;

namespace MegaInfer.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    private const double Rounding = 1e-5;

    // Few distinct values, so that ties are common; steps of 1/8 keep every sum exact and every cut away from rounding.
    private static readonly Gen<float[]> AnyLogits = Gen.Int[-40, 40].Select(value => value / 8f).Array[1, 40];

    private static readonly Gen<SamplingParameters> AnyParameters =
        from temperature in OneOf(0.5f, 1f, 2f)
        from topK in Gen.Int[0, 12]
        from topP in OneOf(1f, 0.9f, 0.55f, 0.05f)
        from minP in OneOf(0f, 0.03f, 0.4f)
        from repetition in OneOf(1f, 2f)
        from presence in OneOf(0f, 0.5f)
        from frequency in OneOf(0f, 0.25f)
        from seed in Gen.ULong
        select new SamplingParameters
        {
            Temperature = temperature,
            TopK = topK,
            TopP = topP,
            MinP = minP,
            RepetitionPenalty = repetition,
            PresencePenalty = presence,
            FrequencyPenalty = frequency,
            Seed = seed,
        };

    [Fact]
    public void Sample_AnyParameters_DrawsWhereTheNaiveDistributionDoes() =>
        Gen.Select(AnyLogits, AnyParameters, Gen.Int[0, 1000].Array[0, 6], Gen.Int[0, 1000].Array[0, 6]).Sample((logits, parameters, prompt, generated) =>
        {
            prompt = [0, .. prompt.Select(id => id % logits.Length)];
            generated = [.. generated.Select(id => id % logits.Length)];
            SortedDictionary<int, double> expected = NaiveSampler.Distribution(logits, parameters, prompt, generated);
            if (IsOnTheEdge(logits, parameters, prompt, generated))
                return;
            SamplingState state = State(parameters, logits.Length, prompt, generated);
            var sampler = new Sampler(logits.Length);
            for (int position = 0; position < 20; position++)
            {
                int token = sampler.Sample(logits, state, position);
                double uniform = Philox.Uniform(parameters.Seed, 0, position, 0);
                // Where the draw falls within rounding of a border, either side is right.
                Assert.Contains(token, new[] { Inverse(expected, uniform - Rounding), Inverse(expected, uniform), Inverse(expected, uniform + Rounding) });
            }
        });

    [Theory]
    [InlineData(1f, 0, 1f, 0f)]
    [InlineData(0.7f, 5, 1f, 0f)]
    [InlineData(1.5f, 0, 0.8f, 0f)]
    [InlineData(1f, 0, 1f, 0.2f)]
    public void Sample_ManyPositions_FollowsTheDistribution(float temperature, int topK, float topP, float minP)
    {
        float[] logits = [0.3f, -1f, 2f, 1.5f, 0f, -3f, 1f, 0.9f];
        var parameters = new SamplingParameters { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, Seed = 11 };
        SortedDictionary<int, double> expected = NaiveSampler.Distribution(logits, parameters, [], []);
        SamplingState state = State(parameters, logits.Length, [0], []);
        var sampler = new Sampler(logits.Length);

        const int draws = 40_000;
        int[] counts = new int[logits.Length];
        for (int position = 0; position < draws; position++)
            counts[sampler.Sample(logits, state, position)]++;

        for (int id = 0; id < logits.Length; id++)
        {
            double probability = expected.GetValueOrDefault(id);
            double spread = Math.Sqrt(probability * (1 - probability) / draws);
            Assert.InRange(counts[id] / (double)draws, probability - (5 * spread), probability + (5 * spread));
        }
    }

    [Theory]
    [InlineData(0, 1f, 0f)]
    [InlineData(700, 1f, 0f)]
    [InlineData(0, 0.97f, 0f)]
    [InlineData(2500, 0.99f, 0.001f)]
    public void Sample_LargeVocabulary_DrawsWhereTheNaiveDistributionDoes(int topK, float topP, float minP)
    {
        const int vocabulary = 5_003;
        float[] logits = [.. Enumerable.Range(0, vocabulary).Select(id => (float)(5 * Math.Sin(id * 1.7)) - (id % 11 == 0 ? float.PositiveInfinity : 0))];
        var parameters = new SamplingParameters { Temperature = 1.3f, TopK = topK, TopP = topP, MinP = minP, Seed = 9 };
        SortedDictionary<int, double> expected = NaiveSampler.Distribution(logits, parameters, [], []);
        SamplingState state = State(parameters, vocabulary, [0], []);
        var sampler = new Sampler(vocabulary);
        for (int position = 0; position < 300; position++)
        {
            double uniform = Philox.Uniform(parameters.Seed, 0, position, 0);
            Assert.InRange(sampler.Sample(logits, state, position), Inverse(expected, uniform - Rounding), Inverse(expected, uniform + Rounding));
        }
    }

    [Fact]
    public void Sample_Greedy_TakesTheLargestAndOfEqualsTheLowerId()
    {
        var parameters = new SamplingParameters { Temperature = 0, Seed = 1 };
        Assert.Equal(1, new Sampler(4).Sample([1f, 3f, 3f, 2f], State(parameters, 4, [0], []), 9));
        parameters = parameters with { LogitBias = new Dictionary<int, float> { [3] = 2.5f } };
        Assert.Equal(3, new Sampler(4).Sample([1f, 3f, 3f, 2f], State(parameters, 4, [0], []), 9));
    }

    [Fact]
    public void Sample_GreedyWithPenalty_MovesOn()
    {
        var parameters = new SamplingParameters { Temperature = 0, FrequencyPenalty = 1f, Seed = 1 };
        SamplingState state = State(parameters, 3, [0], []);
        var sampler = new Sampler(3);
        var tokens = new List<int>();
        for (int position = 1; position <= 6; position++)
        {
            tokens.Add(sampler.Sample([2f, 1.5f, -1f], state, position));
            state.Add(tokens[^1]);
        }

        Assert.Equal([0, 1, 0, 1, 0, 1], tokens);
    }

    [Fact]
    public void Sample_BelowMinTokens_NeverEnds()
    {
        ModelSpec spec = Spec(4) with { EosTokenIds = [1] };
        GenerationRequest request = Request(new SamplingParameters { Temperature = 0, Seed = 1 }, [0]) with { MinTokens = 2, StopTokenIds = [2] };
        var state = new SamplingState(request, spec);
        var sampler = new Sampler(4);
        float[] logits = [0f, 5f, 4f, 1f];
        for (int position = 1; position <= 2; position++)
        {
            Assert.Equal(3, sampler.Sample(logits, state, position));
            state.Add(3);
        }

        Assert.Equal(1, sampler.Sample(logits, state, 3));
        Assert.True(state.IsStop(1));
        Assert.True(state.IsStop(2));
        Assert.False(new SamplingState(request with { IgnoreEos = true }, spec).IsStop(1));
    }

    [Fact]
    public void Sample_Resumed_CountsAsIfNeverMoved()
    {
        var parameters = new SamplingParameters { Temperature = 1, PresencePenalty = 1.5f, FrequencyPenalty = 0.5f, RepetitionPenalty = 1.3f, Seed = 5 };
        float[] logits = [1f, 0.9f, 0.8f, 0.7f, 0.6f];
        SamplingState whole = State(parameters, 5, [3], []);
        var sampler = new Sampler(5);
        var tokens = new List<int>();
        for (int position = 1; position <= 12; position++)
        {
            SamplingState moved = State(parameters, 5, [3], [.. tokens]);
            int token = sampler.Sample(logits, whole, position);
            Assert.Equal(token, new Sampler(5).Sample(logits, moved, position));
            whole.Add(token);
            tokens.Add(token);
        }
    }

    [Fact]
    public void Sample_TemperatureNearZero_IsGreedy()
    {
        SamplingState state = State(new SamplingParameters { Temperature = 1e-40f, Seed = 1 }, 4, [0], []);
        for (int position = 0; position < 50; position++)
            Assert.Equal(2, new Sampler(4).Sample([1f, 3f, 3.0001f, 2f], state, position));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sample_BrokenLogits_IsAnError(float broken)
    {
        SamplingState state = State(new SamplingParameters { Temperature = 0, Seed = 1 }, 3, [0], []);
        Assert.Throws<MegaInferException>(() => new Sampler(3).Sample([1f, broken, 2f], state, 1));
    }

    [Fact]
    public void Sample_LargeVocabulary_DoesNotAllocate()
    {
        const int vocabulary = 20_000;
        float[] logits = [.. Enumerable.Range(0, vocabulary).Select(id => (float)Math.Sin(id) * 6)];
        var parameters = new SamplingParameters
        {
            TopK = 500,
            TopP = 0.9f,
            MinP = 0.01f,
            PresencePenalty = 1,
            LogitBias = new Dictionary<int, float> { [5] = 1 },
            Seed = 3,
        };
        SamplingState state = State(parameters, vocabulary, [0], []);
        var sampler = new Sampler(vocabulary);
        Step(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int position = 1; position < 20; position++)
            Step(position);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Step(int position) => state.Add(sampler.Sample(logits, state, position));
    }

    /// <summary>Fp32 weights may cut one token earlier or later than doubles do; such cases say nothing.</summary>
    private static bool IsOnTheEdge(float[] logits, SamplingParameters parameters, int[] prompt, int[] generated)
    {
        int[] Kept(float factor) =>
            [.. NaiveSampler.Distribution(logits, parameters with { TopP = Math.Min(1, parameters.TopP * factor) }, prompt, generated).Keys];
        return parameters.TopP < 1 && !Kept(1 - (float)Rounding).SequenceEqual(Kept(1 + (float)Rounding));
    }

    private static Gen<float> OneOf(params float[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static int Inverse(SortedDictionary<int, double> distribution, double uniform)
    {
        double sum = 0;
        foreach ((int id, double probability) in distribution)
        {
            sum += probability;
            if (sum > uniform)
                return id;
        }

        return distribution.Keys.Last();
    }

    private static SamplingState State(SamplingParameters parameters, int vocabulary, int[] prompt, int[] generated) =>
        new(Request(parameters, prompt) with { ResumedTokens = generated }, Spec(vocabulary));

    private static GenerationRequest Request(SamplingParameters parameters, int[] prompt) =>
        new() { Id = new SequenceId(1), PromptTokens = prompt, Sampling = parameters, MaxTokens = 100 };

    private static ModelSpec Spec(int vocabulary) => new()
    {
        Family = "qwen3_moe",
        HiddenSize = 8,
        Layers = LayerSpec.Alike(1),
        VocabularySize = vocabulary,
        ContextLength = 128,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = false,
        Attention = new GroupedAttentionSpec(1, 1, 8) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(1e4f, 8),
        Router = new RouterSpec(2, 1, true),
        Experts = new ExpertSpec(8),
        EosTokenIds = [],
    };
}

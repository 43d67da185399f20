using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;
using MegaInfer.Engine.Reference;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;
using MegaInfer.Engine.Tests.Checkpoints;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class ReferenceModelTests : IDisposable
{
    // Two tiles of 16 positions and a bit of a third.
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 37).Select(i => i * 29 % 300)];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Families() => [.. ModelFamilies.All.Select(family => family.ModelType)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("qwen3_moe", true, false)]
    [InlineData("qwen3_moe", false, true)]
    [InlineData("mixtral", true, false)]
    public void Logits_Fp32Cache_AgreeWithTheDefinitionInDoubles(string family, bool normalized, bool tied)
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { Family = family, VocabularySize = 300, IsRouterNormalized = normalized, HasTiedEmbeddings = tied });

        float[][] logits = new ReferenceModel(checkpoint, NumberType.Float32, NumberType.Float32).Logits(Tokens);
        double[][] expected = new DoubleModel(checkpoint).Logits(Tokens);

        double[] all = [.. expected.SelectMany(row => row)];
        double spread = Math.Sqrt(all.Average(value => value * value));
        Assert.InRange(spread, 1, 10);
        for (int position = 0; position < Tokens.Length; position++)
        {
            double worst = logits[position].Zip(expected[position], (actual, right) => Math.Abs(actual - right)).Max();
            Assert.True(worst < 1e-4 * spread, $"position {position} is {worst} away at a spread of {spread}");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Logits_OfEveryFamily_AreThoseOfTheWholeInAPrefix(string family)
    {
        using Checkpoint checkpoint = Write(FamilyShapes.Of(family));
        var model = new ReferenceModel(checkpoint, NumberType.BFloat16);

        float[][] whole = model.Logits(Tokens);

        Assert.All(whole.SelectMany(row => row), logit => Assert.True(float.IsFinite(logit)));
        Assert.Equal(whole[..20], model.Logits(Tokens.AsSpan(0, 20)));
    }

    [Theory]
    [InlineData("qwen3_moe")]
    [InlineData("deepseek_v3")]
    public void Logits_RowsRoundedBesideBFloat16Weights_AreNearThoseOfFp32Rows(string family)
    {
        using Checkpoint checkpoint = Write(FamilyShapes.Of(family) with { NumberType = NumberType.BFloat16 });
        float[][] rounded = new ReferenceModel(checkpoint, NumberType.Float32).Logits(Tokens);
        float[][] exact = new ReferenceModel(checkpoint, NumberType.Float32, NumberType.Float32).Logits(Tokens);

        double spread = Math.Sqrt(exact.SelectMany(row => row).Average(value => (double)value * value));
        double off = Math.Sqrt(exact.SelectMany(row => row).Zip(rounded.SelectMany(row => row), (a, b) => Math.Pow(a - b, 2)).Average());
        Assert.InRange(off / spread, 1e-5, 0.05);
    }

    [Theory]
    [InlineData("deepseek_v3", NumberType.Float8E4M3)]
    [InlineData("gpt_oss", NumberType.MxFloat4)]
    public void Logits_QuantisedWeightsAsBFloat16_DifferFromStoredOnes(string family, NumberType quantized)
    {
        using Checkpoint checkpoint = Write(FamilyShapes.Of(family) with { HiddenSize = 128, ExpertWidth = 128, DenseWidth = 128, Quantized = quantized });
        float[][] stored = new ReferenceModel(checkpoint, NumberType.Float32).Logits(Tokens);

        Assert.NotEqual(stored, new ReferenceModel(checkpoint, NumberType.Float32, NumberType.BFloat16).Logits(Tokens));
    }

    [Fact]
    public void Generate_Greedy_FollowsTheLogits()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions());
        var model = new ReferenceModel(checkpoint, NumberType.BFloat16);

        ReferenceGeneration generation = model.Generate(Request(new SamplingParameters { Temperature = 0, Seed = 1 }) with { TopLogProbs = 3, IgnoreEos = true });

        Assert.Equal(FinishReason.Length, generation.End);
        Assert.Equal(12, generation.Tokens.Count);
        int[] tokens = [.. Tokens, .. generation.Tokens.Select(token => token.Id)];
        float[][] logits = model.Logits(tokens);
        for (int i = 0; i < generation.Tokens.Count; i++)
        {
            float[] row = logits[Tokens.Length + i - 1];
            GeneratedToken token = generation.Tokens[i];
            Assert.Equal(row.Max(), row[token.Id]);
            Assert.Equal(LogProbs.Of(row[token.Id], LogProbs.LogSumExp(row)), token.LogProb);
            Assert.Equal(new TokenLogProb(token.Id, token.LogProb), token.TopLogProbs[0]);
            Assert.Equal(3, token.TopLogProbs.Count);
        }
    }

    [Fact]
    public void Generate_Resumed_ContinuesAsIfNeverMoved()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions());
        var model = new ReferenceModel(checkpoint, NumberType.BFloat16);
        GenerationRequest request = Request(new SamplingParameters { Temperature = 1.2f, FrequencyPenalty = 0.5f, Seed = 77 });

        int[] whole = [.. model.Generate(request).Tokens.Select(token => token.Id)];
        ReferenceGeneration rest = model.Generate(request with { ResumedTokens = whole.AsMemory(0, 5) });

        Assert.Equal(whole[5..], rest.Tokens.Select(token => token.Id));
    }

    [Fact]
    public void Generate_StopToken_IsTheLastOne()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions());
        var model = new ReferenceModel(checkpoint, NumberType.BFloat16);
        GenerationRequest request = Request(new SamplingParameters { Temperature = 0, Seed = 1 });
        int third = model.Generate(request).Tokens[2].Id;

        ReferenceGeneration generation = model.Generate(request with { StopTokenIds = [third] });

        Assert.Equal(FinishReason.Stop, generation.End);
        Assert.Equal(third, generation.Tokens[^1].Id);
        Assert.True(generation.Tokens.Count <= 3);
    }

    [Fact]
    public void Generate_FullContext_EndsWithLength()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { ContextLength = 40 });
        var model = new ReferenceModel(checkpoint, NumberType.BFloat16);

        ReferenceGeneration generation = model.Generate(Request(new SamplingParameters { Seed = 3 }) with { IgnoreEos = true });

        Assert.Equal(FinishReason.Length, generation.End);
        Assert.Equal(3, generation.Tokens.Count);
    }

    [Fact]
    public void Logits_RoundedWeights_DifferFromStoredOnesAndFromARoundedCache()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { NumberType = NumberType.Float32 });
        float[][] stored = new ReferenceModel(checkpoint, NumberType.Float32).Logits(Tokens);

        Assert.NotEqual(stored, new ReferenceModel(checkpoint, NumberType.Float32, NumberType.BFloat16).Logits(Tokens));
        Assert.NotEqual(stored, new ReferenceModel(checkpoint, NumberType.BFloat16).Logits(Tokens));
    }

    private static GenerationRequest Request(SamplingParameters sampling) =>
        new() { Id = new SequenceId(1), PromptTokens = Tokens, Sampling = sampling, MaxTokens = 12 };

    private Checkpoint Write(RandomModelOptions options)
    {
        RandomCheckpoint.Write(_folder.Path, options);
        return Checkpoint.Open(_folder.Path);
    }
}

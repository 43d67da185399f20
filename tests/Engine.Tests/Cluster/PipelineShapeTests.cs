using CsCheck;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Cluster;

public sealed class PipelineShapeTests
{
    private static readonly Gen<StageTimes> AnyTimes =
        from attention in Gen.Int[1, 1000]
        from expert in Gen.Int[1, 1000]
        from transfer in Gen.Int[0, 1500]
        select new StageTimes(attention, expert, transfer);

    [Fact]
    public void Predict_AnyTimes_EqualsTheSimulation() =>
        Gen.Select(AnyTimes, Gen.Int[1, 6], Gen.Int[1, 12]).Sample((times, microBatches, layers) =>
        {
            PipelinePrediction prediction = PipelineShape.Predict(times, microBatches, layers);
            Assert.Equal(Simulate(times, microBatches, layers), prediction.StepUs, 1e-6);
        });

    [Fact]
    public void Predict_ManyLayers_GrowsByThePeriod() =>
        Gen.Select(AnyTimes, Gen.Int[1, 6]).Sample((times, microBatches) =>
        {
            double growth = (Simulate(times, microBatches, 400) - Simulate(times, microBatches, 200)) / 200;
            Assert.Equal(PipelineShape.Predict(times, microBatches, 1).LayerPeriodUs, growth, 1e-6);
        });

    [Fact]
    public void MicroBatchesToFill_AnyTimes_IsTheFewestThatKeepTheSlowerPoolBusy() =>
        AnyTimes.Sample(times =>
        {
            int fill = PipelineShape.MicroBatchesToFill(times);
            Assert.Equal(fill * times.SlowerUs, PipelineShape.Predict(times, fill, 1).LayerPeriodUs, 1e-6);
            Assert.True(fill == 1 || (fill - 1) * times.SlowerUs < times.RoundTripUs);
        });

    [Theory]
    [InlineData(100, 100, 0, 2)]
    [InlineData(100, 100, 10, 3)]
    [InlineData(100, 100, 51, 4)]
    [InlineData(100, 1, 0, 2)]
    public void MicroBatchesToFill_PaperCases_Match(double attention, double expert, double transfer, int expected) =>
        Assert.Equal(expected, PipelineShape.MicroBatchesToFill(new StageTimes(attention, expert, transfer)));

    [Fact]
    public void Sizes_OfAKnownModel_AreThoseCountedByHand()
    {
        var spec = new ModelSpec
        {
            Family = "qwen3_moe",
            HiddenSize = 2048,
            Layers = LayerSpec.Alike(48),
            VocabularySize = 151_936,
            ContextLength = 40_960,
            NormEpsilon = 1e-6f,
            HasTiedEmbeddings = false,
            Attention = new GroupedAttentionSpec(32, 4, 128) { HeadNorm = HeadNorm.PerHead },
            Rope = new RopeSpec(1e6f, 128),
            Router = new RouterSpec(128, 8, true),
            Experts = new ExpertSpec(768),
            EosTokenIds = [],
        };

        var shape = new PipelineShape(spec, maxStepRows: 256, NumberType.BFloat16);

        Assert.Equal(8192, shape.RowBytes);
        Assert.Equal(2048, shape.MaxPairs);
        Assert.Equal(128, shape.MaxGroups);
        Assert.Equal(98_304, shape.KvBytesPerToken);
        Assert.Equal(16 * 2048, shape.KvBlockBytesPerLayer);
        Assert.Equal(2560, shape.ContextBlocks);
        Assert.Equal(5L * ((256 * 8192) + (2048 * 8192)), shape.PairBytes);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    public void BlocksFor_Tokens_RoundsUp(int tokens, int expected) => Assert.Equal(expected, PipelineShape.BlocksFor(tokens));

    /// <summary>Two servers that take micro-batches in order of arrival, and links that never queue.</summary>
    private static double Simulate(StageTimes times, int microBatches, int layers)
    {
        double[] arrival = new double[microBatches];
        double attentionFree = 0;
        double expertFree = 0;
        for (int layer = 0; layer < layers; layer++)
        {
            for (int i = 0; i < microBatches; i++)
            {
                attentionFree = Math.Max(attentionFree, arrival[i]) + times.AttentionUs;
                expertFree = Math.Max(expertFree, attentionFree + times.TransferUs) + times.ExpertUs;
                arrival[i] = expertFree + times.TransferUs;
            }
        }

        return arrival[^1];
    }
}

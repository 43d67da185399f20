using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Machine;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Bench.Tests.Decode;

public sealed class StepFloorTests
{
    private static readonly MachineInfo Machine = new("test", 2, 16, "test", 2, ReadGbPerS: 31.7, FmaGflopPerS: 350);

    // 12 layers of 64 experts, top-8; published for this shape: 360 MB and 0.37 GFLOP at batch 1, 2063 MB and 23.3 GFLOP at batch 64.
    private static readonly ModelSpec Spec = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 1024,
        Layers = LayerSpec.Alike(12),
        VocabularySize = 32000,
        ContextLength = 4096,
        NormEpsilon = 1e-6f,
        HasTiedEmbeddings = false,
        Attention = new GroupedAttentionSpec(16, 4, 64) { HeadNorm = HeadNorm.PerHead },
        Rope = new RopeSpec(10_000f, 64),
        Router = new RouterSpec(64, 8, IsNormalized: true),
        Experts = new ExpertSpec(384),
        EosTokenIds = [],
    };

    private static readonly LocalWeightTypes BFloat16 = new(NumberType.BFloat16, NumberType.BFloat16, NumberType.BFloat16);

    [Theory]
    [InlineData(1, 192, 8.0, 360, 0.37)]
    [InlineData(16, 152, 56.4, 1759, 5.82)]
    [InlineData(64, 152, 64.0, 2063, 23.30)]
    public void Of_PublishedShape_GivesThePublishedBytesAndFlops(int batch, double context, double touched, double megabytes, double gigaflops)
    {
        StepFloor floor = StepFloor.Of(Spec, BFloat16, NumberType.BFloat16, batch, context, touched);
        Assert.InRange(floor.Bytes / 1e6, 0.99 * megabytes, 1.01 * megabytes);
        Assert.InRange(floor.Flops / 1e9, gigaflops - 0.06, gigaflops + 0.06);
    }

    [Fact]
    public void Of_LatentAttentionDenseLayerAndQuantisedExperts_CountsWhatIsRead()
    {
        ModelSpec spec = Spec with
        {
            Layers = [new LayerSpec(IsDense: true, Window: 0), new LayerSpec(IsDense: false, Window: 100)],
            Attention = new LatentAttentionSpec(16, QueryRank: 0, KvRank: 512, NopeDim: 128, RopeDim: 64, ValueHeadDim: 128, ScaleFactor: 1),
            SharedExpert = new SharedExpertSpec(768, HasGate: false),
            DenseWidth = 3072,
        };
        var types = new LocalWeightTypes(NumberType.BFloat16, NumberType.Float8E4M3, NumberType.BFloat16);
        StepFloor floor = StepFloor.Of(spec, types, NumberType.BFloat16, batch: 2, context: 1000, expertsTouched: 16);
        double attention = 1024 * ((16 * 192) + 576 + (16 * 128)) + (16 * 512 * 256);
        double weights = (2 * attention) + (3 * 1024 * (3072 + 768)) + (2 * 1024 * 64) + (1024 * 32002);
        double experts = 16 * 3 * 1024 * 384 * (1 + (4.0 / 128));
        double cached = 2 * 1100 * 576 * 2;
        Assert.Equal((2 * weights) + experts + cached, floor.Bytes, 1.0);
    }

    [Fact]
    public void StepMs_MemoryOrCompute_IsTheLarger()
    {
        StepFloor few = StepFloor.Of(Spec, BFloat16, NumberType.BFloat16, 1, 192, 8);
        Assert.Equal(few.MemoryMs(Machine), few.StepMs(Machine));
        StepFloor many = StepFloor.Of(Spec, BFloat16, NumberType.BFloat16, 512, 192, 64);
        Assert.Equal(many.ComputeMs(Machine), many.StepMs(Machine));
    }

    [Fact]
    public void ComputeMs_InstructionsForBFloat16_SpeedUpItsProductsOnly()
    {
        StepFloor floor = StepFloor.Of(Spec, BFloat16, NumberType.BFloat16, 64, 152, 64);
        Assert.InRange(floor.BFloat16Flops / floor.Flops, 0.9, 0.999);
        double twice = floor.ComputeMs(Machine with { BFloat16Gain = 2 });
        Assert.Equal(floor.ComputeMs(Machine) - (floor.BFloat16Flops / 2 / (Machine.FmaGflopPerS * 1e6)), twice, 1e-9);
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(16, 56.4)]
    [InlineData(10_000, 64)]
    public void EvenExperts_Rows_IsTheExpectedNumberOfDistinctOnes(int rows, double expected) =>
        Assert.Equal(expected, StepFloor.EvenExperts(Spec.Router, rows), 0.1);
}

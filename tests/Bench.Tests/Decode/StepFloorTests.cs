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

    [Theory]
    [InlineData(1, 192, 8.0, 360, 0.37)]
    [InlineData(16, 152, 56.4, 1759, 5.82)]
    [InlineData(64, 152, 64.0, 2063, 23.30)]
    public void Of_PublishedShape_GivesThePublishedBytesAndFlops(int batch, double context, double touched, double megabytes, double gigaflops)
    {
        StepFloor floor = StepFloor.Of(Spec, NumberType.BFloat16, NumberType.BFloat16, batch, context, touched);
        Assert.InRange(floor.Bytes / 1e6, 0.99 * megabytes, 1.01 * megabytes);
        Assert.InRange(floor.Flops / 1e9, gigaflops - 0.06, gigaflops + 0.06);
    }

    [Fact]
    public void StepMs_MemoryOrCompute_IsTheLarger()
    {
        StepFloor few = StepFloor.Of(Spec, NumberType.BFloat16, NumberType.BFloat16, 1, 192, 8);
        Assert.Equal(few.MemoryMs(Machine), few.StepMs(Machine));
        StepFloor many = StepFloor.Of(Spec, NumberType.BFloat16, NumberType.BFloat16, 512, 192, 64);
        Assert.Equal(many.ComputeMs(Machine), many.StepMs(Machine));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(16, 56.4)]
    [InlineData(10_000, 64)]
    public void EvenExperts_Rows_IsTheExpectedNumberOfDistinctOnes(int rows, double expected) =>
        Assert.Equal(expected, StepFloor.EvenExperts(Spec.Router, rows), 0.1);
}

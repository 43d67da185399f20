using MegaInfer.Bench.Kernels;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Kernels;
using Xunit;

namespace MegaInfer.Bench.Tests.Kernels;

public sealed class KernelCasesTests
{
    private static readonly RandomModelOptions Shape = new()
    {
        Family = "qwen3_moe",
        HiddenSize = 256,
        LayerCount = 1,
        HeadCount = 4,
        KvHeadCount = 2,
        HeadDim = 64,
        ExpertCount = 8,
        ExpertsPerToken = 2,
        ExpertWidth = 4096,
        VocabularySize = 32000,
        ContextLength = 64,
    };

    [Fact]
    public void EveryCase_RunsAndSaysWhatItMustRead()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using var cases = new KernelCases(context, Shape, maxRows: 2);
        KernelCase[] all = [.. cases.Experts(WeightType.Int8, [1, 2]), .. cases.Attention([2])];
        Assert.Equal(3, all.Length);
        foreach (KernelCase one in all)
        {
            one.Call(0);
            one.Call(1);
        }

        // One row visits two of eight experts, of 8.5 bits a weight.
        const double expert = 3.0 * 256 * 4096 * 8.5 / 8;
        Assert.Equal((2 * expert) + (8.0 * 2 * 256), all[0].Bytes, 1.0);
        Assert.Equal(0, all[0].Flops);
        Assert.Equal(2.0 * 1024 * 2 * 2 * 64 * sizeof(ushort), all[2].Bytes);
    }
}

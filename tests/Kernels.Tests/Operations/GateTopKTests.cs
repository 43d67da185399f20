using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class GateTopKTests
{
    [Fact]
    public void GateTopK_Ties_GoToTheLowerExpertAndComeInAscendingOrder()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> logits = new(context, [1f, 3f, 1f, 3f, 1f]);
        using HostArray<int> experts = new(context, new int[3]);
        using HostArray<float> weights = new(context, new float[3]);
        context.GateTopK(new GateTopKArgs
        {
            Logits = logits, ExpertsOut = experts, WeightsOut = weights, Rows = 1, Experts = 5, TopK = 3, RouterKind = RouterKind.Softmax,
            Normalize = 1, Groups = 1, TopGroups = 1, Scaling = 1f,
        });
        Assert.Equal([0, 1, 3], experts.Span.ToArray());
        Assert.Equal(1f, weights.Span[0] + weights.Span[1] + weights.Span[2], 1e-6f);
        Assert.Equal(weights.Span[1], weights.Span[2]);
    }

    [Fact]
    public void GateTopK_GroupsBeyondOne_ThrowsOneSentence()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> logits = new(context, new float[4]);
        using HostArray<int> experts = new(context, new int[1]);
        using HostArray<float> weights = new(context, new float[1]);
        GateTopKArgs args = new()
        {
            Logits = logits, ExpertsOut = experts, WeightsOut = weights, Rows = 1, Experts = 4, TopK = 1, Groups = 2, TopGroups = 1, Scaling = 1f,
        };
        Assert.Contains("groups > 1", Assert.Throws<KernelException>(() => context.GateTopK(in args)).Message);
    }
}

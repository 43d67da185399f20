using MegaInfer.Engine.Model;
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
            Logits = logits,
            ExpertsOut = experts,
            WeightsOut = weights,
            Rows = 1,
            Experts = 5,
            TopK = 3,
            RouterKind = RouterScore.Softmax,
            Normalize = 1,
            Groups = 1,
            TopGroups = 1,
            Scaling = 1f,
        });
        Assert.Equal([0, 1, 3], experts.Span.ToArray());
        Assert.Equal(1f, weights.Span[0] + weights.Span[1] + weights.Span[2], 1e-6f);
        Assert.Equal(weights.Span[1], weights.Span[2]);
    }

    [Theory]
    [InlineData(GroupScore.Maximum, new[] { 0, 1 })] // the group of the greatest
    [InlineData(GroupScore.TopTwo, new[] { 2, 3 })] // the group of the two greatest together
    public void GateTopK_OneOfTwoGroups_ChoosesWithinIt(GroupScore score, int[] chosen)
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> logits = new(context, new float[4]); // every score is one half
        using HostArray<float> correction = new(context, [3f, 0f, 2f, 2f]);
        using HostArray<int> experts = new(context, new int[2]);
        using HostArray<float> weights = new(context, new float[2]);
        context.GateTopK(new GateTopKArgs
        {
            Logits = logits,
            Correction = correction,
            ExpertsOut = experts,
            WeightsOut = weights,
            Rows = 1,
            Experts = 4,
            TopK = 2,
            RouterKind = RouterScore.Sigmoid,
            Groups = 2,
            TopGroups = 1,
            GroupScore = score,
            Scaling = 2.5f,
        });
        Assert.Equal(chosen, experts.Span.ToArray());
        Assert.Equal([1.25f, 1.25f], weights.Span.ToArray()); // the correction chooses and does not weigh
    }
}

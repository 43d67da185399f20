using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

/// <summary>An expert's way of a row, from scatter to combine.</summary>
public sealed class GroupedFfnTests
{
    [Fact]
    public void GroupedFfn_ScatteredRowsAndCombinedResults_AddTheWeightedExperts()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions());
        using HostArray<float> ones = new(context, [1f, 1f]); // width 1, hidden 2
        using HostArray<float> twos = new(context, [2f, 2f]);
        MatrixSource one = new(ones, WeightType.F32, 1);
        using PackedExperts experts = context.PackExperts(
            [
                new ExpertSource(one, one, new MatrixSource(ones, WeightType.F32, 2)),
                new ExpertSource(one, one, new MatrixSource(twos, WeightType.F32, 2)),
            ],
            new ExpertsShape { Hidden = 2, Width = 1, Type = WeightType.F32 });
        Assert.Equal(2, experts.Count);

        using HostArray<float> hidden = new(context, [9f, 9f, 1f, 2f]); // the second row travels, to both experts
        using HostArray<int> index = new(context, [1, 1]);
        using HostArray<float> slot = new(context, new float[4]);
        context.ScatterRows(new ScatterRowsArgs { In = hidden, RowIndex = index, Out = slot, Rows = 2, Hidden = 2, InStride = 2 });
        Assert.Equal([1f, 2f, 1f, 2f], slot.Span.ToArray());

        using HostArray<float> results = new(context, new float[4]);
        using HostArray<int> offsets = new(context, [0, 1, 2]);
        using HostArray<DeviceAddress> rows = new(context, [slot.Address, slot.Address.Plus(8)]);
        using HostArray<DeviceAddress> outputs = new(context, [results.Address, results.Address.Plus(8)]);
        context.GroupedFfn(experts, new GroupedFfnArgs { Offsets = offsets, RowOfPair = rows, OutOfPair = outputs, Pairs = 2 });
        float middle = 3f / (1f + MathF.Exp(-3f)) * 3f;
        Assert.Equal([middle, middle, 2 * middle, 2 * middle], results.Span.ToArray(), (a, b) => MathF.Abs(a - b) < 1e-5f);

        using HostArray<float> weights = new(context, [0.25f, 0.75f]);
        using HostArray<float> residual = new(context, [1f, 0f]);
        context.Combine(new CombineArgs { ResultOfPair = outputs, Weights = weights, Residual = residual, Rows = 1, Hidden = 2, TopK = 2, Stride = 2 });
        Assert.Equal([1f + 1.75f * middle, 1.75f * middle], residual.Span.ToArray(), (a, b) => MathF.Abs(a - b) < 1e-5f);
    }

    [Fact]
    public void GroupedFfn_BiasesAndClampedActivation_FollowTheFormula()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> ones = new(context, [1f, 1f]); // width 1, hidden 2
        using HostArray<float> biases = new(context, [2f, -20f, 0.5f, 0.25f]); // gate, up, down
        MatrixSource one = new(ones, WeightType.F32, 1);
        ExpertSource expert = new(
            one, one, new MatrixSource(ones, WeightType.F32, 2), biases.Address, biases.Address.Plus(sizeof(float)), biases.Address.Plus(2 * sizeof(float)));
        using PackedExperts experts = context.PackExperts(
            [expert], new ExpertsShape { Hidden = 2, Width = 1, Type = WeightType.F32, Activation = Activation.ClampedSwiglu, Alpha = 1.5f, Limit = 4f });
        using HostArray<float> row = new(context, [1f, 2f]);
        using HostArray<float> result = new(context, new float[2]);
        using HostArray<int> offsets = new(context, [0, 1]);
        using HostArray<DeviceAddress> rows = new(context, [row.Address]);
        using HostArray<DeviceAddress> outputs = new(context, [result.Address]);
        context.GroupedFfn(experts, new GroupedFfnArgs { Offsets = offsets, RowOfPair = rows, OutOfPair = outputs, Pairs = 1 });
        float middle = 4f / (1f + MathF.Exp(-1.5f * 4f)) * (-4f + 1f); // the gate's 5 and the up's -17 are both cut to the limit
        Assert.Equal([middle + 0.5f, middle + 0.25f], result.Span.ToArray(), (a, b) => MathF.Abs(a - b) < 1e-5f);
    }

    [Fact]
    public void Combine_SharedRowWithALogit_IsAddedByItsSigmoid()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> shared = new(context, [2f, 4f]);
        using HostArray<float> logits = new(context, [0f]);
        using HostArray<float> residual = new(context, [1f, 1f]);
        context.Combine(new CombineArgs { Shared = shared, SharedLogits = logits, Residual = residual, Rows = 1, Hidden = 2, Stride = 2 });
        Assert.Equal([2f, 3f], residual.Span.ToArray());
        context.Combine(new CombineArgs { Shared = shared, Residual = residual, Rows = 1, Hidden = 2, Stride = 2 });
        Assert.Equal([4f, 7f], residual.Span.ToArray());
    }

    [Fact]
    public void GroupedFfn_ZeroPairs_DoesNothing()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using PackedExperts none = context.PackExperts([], new ExpertsShape { Hidden = 4, Width = 4, Type = WeightType.BF16 });
        context.GroupedFfn(none, default);
        Assert.Equal(0, none.Count);
    }
}

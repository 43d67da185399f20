using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class RopeTests
{
    [Fact]
    public void Rope_QuarterTurn_TurnsPairsAndLeavesTheRest()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> rows = new(context, [1f, 2f, 3f, 4f, 5f]); // pairs (1, 3), (2, 4); 5 does not rotate
        using HostArray<int> positions = new(context, [1]);
        using HostArray<float> table = new(context, [1f, 1f, 0f, 0f, 0f, 0f, 1f, 1f]); // position 0: no turn; 1: a quarter
        context.Rope(new RopeArgs
        {
            RowsData = rows,
            Positions = positions,
            CosineSine = table,
            Rows = 1,
            Heads = 1,
            HeadDim = 5,
            RotaryDim = 4,
            Stride = 5,
            Context = 2,
        });
        Assert.Equal([-3f, -4f, 1f, 2f, 5f], rows.Span.ToArray());
    }

    [Fact]
    public void Rope_AdjacentPairsOfAPartOfEachHead_TurnsNeighbours()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> rows = new(context, [9f, 1f, 2f, 3f, 4f, 8f, 5f, 6f, 7f, 8f]); // two heads of 1 + 4
        using HostArray<int> positions = new(context, [0]);
        using HostArray<float> table = new(context, [0f, 0f, 1f, 1f]);
        context.Rope(new RopeArgs
        {
            RowsData = rows.Address.Plus(sizeof(float)),
            Positions = positions,
            CosineSine = table,
            Rows = 1,
            Heads = 2,
            HeadDim = 5,
            RotaryDim = 4,
            Stride = 10,
            Context = 1,
            Pairing = RopePairing.Adjacent,
        });
        Assert.Equal([9f, -2f, 1f, -4f, 3f, 8f, -6f, 5f, -8f, 7f], rows.Span.ToArray());
    }
}

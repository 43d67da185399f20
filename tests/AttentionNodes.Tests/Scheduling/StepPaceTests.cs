using CsCheck;
using MegaInfer.AttentionNodes.Scheduling;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Scheduling;

public sealed class StepPaceTests
{
    private static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);

    [Fact]
    public void BeforeAnyStep_NothingIsKnown()
    {
        var pace = new StepPace();
        Assert.Equal(int.MaxValue, pace.RowsWithin(Ms(1)));
        Assert.Equal(TimeSpan.Zero, pace.Expected(100));
    }

    [Fact]
    public void StepsOfOneSize_CountAllOfTheirTimeForTheirRows()
    {
        var pace = new StepPace();
        for (int i = 0; i < 10; i++)
            pace.Record(10, Ms(50));
        Assert.InRange(pace.RowsWithin(Ms(100)), 19, 20);
    }

    [Fact]
    public void StepsOfDifferentSizes_ShowWhatARowCosts() =>
        Gen.Select(Gen.Double[0, 50], Gen.Double[0.01, 2], Gen.Int[1, 200].Array[20]).Where((_, _, rows) => rows.TakeLast(10).Max() > 2 * rows.TakeLast(10).Min())
            .Sample((start, each, rows) =>
            {
                var pace = new StepPace();
                foreach (int row in rows)
                    pace.Record(row, Ms(start + (each * row)));
                int within = pace.RowsWithin(Ms(start + (each * 100)));
                return within is >= 98 and <= 101 && Math.Abs(pace.Expected(100).TotalMilliseconds - (start + (each * 100))) < 1;
            });

    [Fact]
    public void AChange_IsLearned()
    {
        var pace = new StepPace();
        for (int i = 0; i < 200; i++)
            pace.Record(10 + (i % 50), Ms(10 + (i % 50)));
        for (int i = 0; i < 200; i++)
            pace.Record(10 + (i % 50), Ms(2 * (10 + (i % 50))));
        Assert.InRange(pace.RowsWithin(Ms(100)), 48, 52);
    }

    [Fact]
    public void AnyTimes_GiveRowsThatAreNoNegativeNumber() =>
        Gen.Select(Gen.Int[1, 1000], Gen.Double[0, 1e4]).Array[1, 30].Sample(steps =>
        {
            var pace = new StepPace();
            foreach ((int rows, double ms) in steps)
                pace.Record(rows, Ms(ms));
            return pace.RowsWithin(Ms(100)) >= 0 && pace.Expected(10) >= TimeSpan.Zero;
        });
}

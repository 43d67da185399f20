using CsCheck;
using MegaInfer.Bench.Gguf;
using Xunit;

namespace MegaInfer.Bench.Tests.Gguf;

public sealed class RotaryRowsTests
{
    [Fact]
    public void ToNeighbours_TwoHeadsOfFour_MovesRowsWithinHeads()
    {
        // One column; a row's number is its value.
        float[] rows = [0, 1, 2, 3, 4, 5, 6, 7];
        Assert.Equal([0, 2, 1, 3, 4, 6, 5, 7], RotaryRows.ToNeighbours(rows, columns: 1, headDim: 4));
        Assert.Equal([0, 1, 4, 5, 2, 3, 6, 7], RotaryRows.ToNeighbours(rows, columns: 2, headDim: 4));
    }

    // What the order is for: a query's score with a key is the same under either kind of rotation.
    [Fact]
    public void ToNeighbours_QueryAndKey_KeepTheirScore() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[0, 100], Gen.Int[0, 100], Gen.Float[-1, 1].Array[32]).Sample((halfDim, queryPosition, keyPosition, numbers) =>
        {
            int headDim = 2 * halfDim;
            float[] query = numbers[..headDim], key = numbers[^headDim..];
            double halves = Score(query, key, pair => (pair, pair + halfDim));
            double neighbours = Score(
                RotaryRows.ToNeighbours(query, 1, headDim), RotaryRows.ToNeighbours(key, 1, headDim), pair => (2 * pair, (2 * pair) + 1));
            Assert.Equal(halves, neighbours, tolerance: 1e-9);

            double Score(float[] q, float[] k, Func<int, (int First, int Second)> pairs) => Enumerable.Range(0, halfDim).Sum(pair =>
            {
                (int first, int second) = pairs(pair);
                double angle = (queryPosition - keyPosition) * Math.Pow(10_000, -pair / (double)halfDim);
                double dot = ((double)q[first] * k[first]) + ((double)q[second] * k[second]);
                double cross = ((double)q[second] * k[first]) - ((double)q[first] * k[second]);
                return (dot * Math.Cos(angle)) - (cross * Math.Sin(angle));
            });
        });
}

using CsCheck;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class RopeTests
{
    private const int Context = 64;

    private static readonly Gen<(int Half, int Others, int Position, bool IsAdjacent, int Seed)> Cases =
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 9], Gen.Int[0, Context - 1], Gen.Bool, Gen.Int);

    [Fact]
    public void Forward_SomeHeads_TurnsTheirFirstComponentsAndNoOthers() => Cases.Sample((half, others, position, isAdjacent, seed) =>
    {
        var spec = new RopeSpec(100f, 2 * half) { IsAdjacent = isAdjacent };
        int headDim = (2 * half) + others;
        float[] row = Doubles.Random(seed, 3 * headDim);
        double[] expected = [.. row.Chunk(headDim).SelectMany(head => Doubles.Rotate(Doubles.Of(head), spec, position))];

        new Rope(spec, Context).Forward(row, headDim, position);

        Doubles.AssertClose(expected, row, 1e-4); // angles are rounded, and far positions have large ones
    });

    [Fact]
    public void ForwardHead_AdjacentPairs_AreHalvesInAnotherOrder() => Cases.Sample((half, _, position, _, seed) =>
    {
        var spec = new RopeSpec(100f, 2 * half);
        float[] halves = Doubles.Random(seed, 2 * half);
        float[] adjacent = Interleave(halves);

        new Rope(spec, Context).ForwardHead(halves, position);
        new Rope(spec with { IsAdjacent = true }, Context).ForwardHead(adjacent, position);

        Assert.Equal(Interleave(halves), adjacent);
    });

    [Fact]
    public void ForwardHead_QueryAndKey_MeetByTheirDistanceOnly() => Cases.Sample((half, distance, position, isAdjacent, seed) =>
    {
        var rope = new Rope(new RopeSpec(100f, 2 * half) { IsAdjacent = isAdjacent }, 2 * Context);
        double Score(int from)
        {
            float[] query = Doubles.Random(seed, 2 * half);
            float[] key = Doubles.Random(seed + 1, 2 * half);
            rope.ForwardHead(query, from + distance);
            rope.ForwardHead(key, from);
            return Doubles.Dot(Doubles.Of(query), Doubles.Of(key));
        }

        Assert.Equal(Score(0), Score(position), 1e-4);
    });

    private static float[] Interleave(float[] halves) =>
        [.. Enumerable.Range(0, halves.Length).Select(i => halves[(i % 2 * (halves.Length / 2)) + (i / 2)])];
}

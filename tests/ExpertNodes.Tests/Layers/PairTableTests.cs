using CsCheck;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Layers;

public sealed class PairTableTests(TestModel model) : IClassFixture<TestModel>
{
    private const int Hidden = 4;
    private const int RowBytes = Hidden * sizeof(float);

    [Fact]
    public void Merge_AnyPieces_GivesEachExpertThePairsOfANaiveLoop()
    {
        Gen.Select(Gen.Int[0, 4], Gen.Int).Sample((pieceCount, seed) =>
        {
            var random = new Random(seed);
            int[] held = [.. TestModel.All.Where(_ => random.Next(3) > 0)];
            LocalExperts experts = TestModel.Hold(held);
            using var table = new PairTable(model.Context, experts, 256, RowBytes, RowBytes);
            TestPiece[] pieces = [.. Enumerable.Range(0, pieceCount).Select(_ =>
                TestPiece.Make(model.Context, Hidden, random.Next(1, 6), held.Where(_ => random.Next(2) > 0), random))];

            Merge(table, pieces);

            List<(nint Row, nint Result)>[] expected = Naive(experts, pieces);
            Span<int> offsets = table.Offsets.HostSpan<int>(experts.Count + 1);
            Span<nint> rows = table.RowOfPair.HostSpan<nint>(table.Pairs);
            Span<nint> results = table.OutOfPair.HostSpan<nint>(table.Pairs);
            Assert.Equal(expected.Sum(list => list.Count), table.Pairs);
            Assert.Equal(expected.Count(list => list.Count > 0), table.ActiveExperts);
            Assert.Equal(0, offsets[0]);
            for (int local = 0; local < experts.Count; local++)
            {
                var actual = new List<(nint, nint)>();
                for (int pair = offsets[local]; pair < offsets[local + 1]; pair++)
                    actual.Add((rows[pair], results[pair]));
                Assert.Equal(expected[local], actual);
            }

            foreach (TestPiece piece in pieces)
                piece.Dispose();
        }, iter: 200, threads: 1); // one thread at a time may use a kernel context
    }

    [Fact]
    public void TryCount_ExpertThatIsElsewhere_CountsNothing()
    {
        using var table = new PairTable(model.Context, TestModel.Hold(1, 3), 16, RowBytes, RowBytes);
        table.Clear();
        Assert.True(table.TryCount([new Group(1, 2)]));
        Assert.False(table.TryCount([new Group(1, 1), new Group(2, 1)]));
        table.Place();
        Assert.Equal(2, table.Pairs);
        Assert.Equal(1, table.ActiveExperts);
        Assert.Equal([0, 2, 2], table.Offsets.HostSpan<int>(3).ToArray());
    }

    [Fact]
    public void Clear_AfterABatch_ForgetsIt()
    {
        using var table = new PairTable(model.Context, TestModel.Hold(0), 16, RowBytes, RowBytes);
        table.Clear();
        table.TryCount([new Group(0, 5)]);
        table.Place();
        table.Clear();
        table.Place();
        Assert.Equal(0, table.Pairs);
        Assert.Equal(0, table.ActiveExperts);
        Assert.Equal([0, 0], table.Offsets.HostSpan<int>(2).ToArray());
    }

    internal static void Merge(PairTable table, IReadOnlyList<TestPiece> pieces)
    {
        table.Clear();
        foreach (TestPiece piece in pieces)
            Assert.True(table.TryCount(piece.Groups));
        table.Place();
        foreach (TestPiece piece in pieces)
            table.Add(piece.Rows, piece.Results, piece.RowOfPair, piece.Groups);
    }

    private static List<(nint Row, nint Result)>[] Naive(LocalExperts experts, IReadOnlyList<TestPiece> pieces)
    {
        List<(nint, nint)>[] lists = [.. Enumerable.Range(0, experts.Count).Select(_ => new List<(nint, nint)>())];
        foreach (TestPiece piece in pieces)
        {
            int pair = 0;
            foreach (Group group in piece.Groups)
            {
                for (int i = 0; i < group.Pairs; i++, pair++)
                {
                    Assert.True(experts.TryFind(group.Key, out int local));
                    lists[local].Add((piece.Row(pair).Value, piece.Result(pair).Value));
                }
            }
        }

        return lists;
    }
}

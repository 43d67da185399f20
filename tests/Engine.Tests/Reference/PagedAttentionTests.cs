using CsCheck;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class PagedAttentionTests
{
    private static readonly GroupedAttentionSpec Spec = new(HeadCount: 4, KvHeadCount: 2, HeadDim: 6);

    private static readonly Gen<(int Length, int Window, int Seed)> Cases = Gen.Select(Gen.Int[1, 70], Gen.Int[0, 40], Gen.Int);

    [Fact]
    public void Forward_WindowsAndSinks_IsASoftmax() => Gen.Select(Cases, Gen.Bool).Sample((shape, hasSinks) =>
    {
        (int length, int window, int seed) = shape;
        float[] queries = Doubles.Random(seed, Spec.QueryWidth, 2);
        float[]? sinks = hasSinks ? Doubles.Random(seed - 1, Spec.HeadCount, 2) : null;
        KvCache cache = Fill(length, seed, NumberType.Float32);

        float[] actual = new PagedAttention(Spec, window, sinks).Forward(queries, cache);

        double[] expected = [.. Enumerable.Range(0, Spec.HeadCount).SelectMany(head => Doubles.Attend(
            Doubles.Of(queries[(head * 6)..((head + 1) * 6)]),
            [.. Enumerable.Range(0, length).Select(position => Doubles.Of(cache.Key(position, head / 2).ToArray()))],
            [.. Enumerable.Range(0, length).Select(position => Doubles.Of(cache.Value(position, head / 2).ToArray()))],
            1 / Math.Sqrt(6),
            window,
            sinks?[head]))];
        Doubles.AssertClose(expected, actual);
    });

    [Fact]
    public void Forward_LatentCache_TakesValuesFromItsKeys() => Cases.Sample((length, window, seed) =>
    {
        var spec = new LatentAttentionSpec(HeadCount: 3, QueryRank: 0, KvRank: 5, NopeDim: 4, RopeDim: 2, ValueHeadDim: 3, ScaleFactor: 1.5f);
        float[] queries = Doubles.Random(seed, 3 * 7, 2);
        float[][] keys = [.. Enumerable.Range(0, length).Select(position => Doubles.Random(seed + position + 1, 7))];
        var cache = new KvCache(spec, NumberType.Float32);
        foreach (float[] key in keys)
            cache.Append(key, []);

        float[] actual = new PagedAttention(spec, window, null).Forward(queries, cache);

        double[][] wide = [.. keys.Select(Doubles.Of)];
        double[] expected = [.. queries.Chunk(7).SelectMany(query =>
            Doubles.Attend(Doubles.Of(query), wide, [.. wide.Select(key => key[..5])], 1.5 / Math.Sqrt(6), window, null))];
        Doubles.AssertClose(expected, actual);
    });

    [Fact]
    public void Forward_PositionsBeforeTheWindow_AreNotRead() => Cases.Sample((length, window, seed) =>
    {
        float[] queries = Doubles.Random(seed, Spec.QueryWidth, 2);
        int hidden = window == 0 ? 0 : Math.Max(0, length - window);
        var attention = new PagedAttention(Spec, window, null);
        Assert.Equal(
            attention.Forward(queries, Fill(length, seed, NumberType.Float32)), attention.Forward(queries, Fill(length, seed, NumberType.Float32, hidden)));
    });

    [Fact]
    public void Forward_WindowOfTheWholeSequence_IsNone() => Cases.Sample((length, window, seed) =>
    {
        float[] queries = Doubles.Random(seed, Spec.QueryWidth, 2);
        KvCache cache = Fill(length, seed, NumberType.Float32);
        Assert.Equal(new PagedAttention(Spec, 0, null).Forward(queries, cache), new PagedAttention(Spec, length + window, null).Forward(queries, cache));
    });

    [Fact]
    public void Forward_SinkThatNothingGoesTo_IsNone() => Cases.Sample((length, window, seed) =>
    {
        float[] queries = Doubles.Random(seed, Spec.QueryWidth, 2);
        KvCache cache = Fill(length, seed, NumberType.Float32);
        float[] sinks = [.. Enumerable.Repeat(float.NegativeInfinity, Spec.HeadCount)];
        Assert.Equal(new PagedAttention(Spec, window, null).Forward(queries, cache), new PagedAttention(Spec, window, sinks).Forward(queries, cache));
    });

    [Fact]
    public void Forward_RoundedCache_IsThatOfRoundedNumbers()
    {
        float[] queries = Doubles.Random(1, Spec.QueryWidth, 2);
        KvCache rounded = Fill(20, 2, NumberType.BFloat16);
        var again = new KvCache(Spec, NumberType.Float32);
        for (int position = 0; position < 20; position++)
            again.Append([.. RoundedKeys(position)], [.. rounded.Value(position, 0), .. rounded.Value(position, 1)]);

        float[] expected = new PagedAttention(Spec, 0, null).Forward(queries, again);

        Assert.Equal(expected, new PagedAttention(Spec, 0, null).Forward(queries, rounded));
        Assert.NotEqual(expected, new PagedAttention(Spec, 0, null).Forward(queries, Fill(20, 2, NumberType.Float32)));

        IEnumerable<float> RoundedKeys(int position) => KeysOf(2, position).Select(BFloat16.Round);
    }

    /// <summary>A cache whose first <paramref name="broken"/> positions hold no numbers.</summary>
    private static KvCache Fill(int length, int seed, NumberType type, int broken = 0)
    {
        var cache = new KvCache(Spec, type);
        float[] nothing = [.. Enumerable.Repeat(float.NaN, Spec.KvWidth)];
        for (int position = 0; position < length; position++)
        {
            if (position < broken)
                cache.Append(nothing, nothing);
            else
                cache.Append(KeysOf(seed, position), Doubles.Random(seed + 1000 + position, Spec.KvWidth));
        }

        return cache;
    }

    private static float[] KeysOf(int seed, int position) => Doubles.Random(seed + position + 1, Spec.KvWidth);
}

using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

/// <summary>The absorbed form against the definition, which makes each head's keys and values from the latents.</summary>
public sealed class LatentAttentionTests
{
    private const int Hidden = 12;
    private const int Length = 40;
    private const int Heads = 3;
    private const int KvRank = 7;
    private const int NopeDim = 5;
    private const int RopeDim = 4;
    private const int ValueDim = 6;
    private const float Epsilon = 1e-6f;

    [Theory]
    [InlineData(0, false, 1f)]
    [InlineData(9, false, 1f)]
    [InlineData(0, true, 1.6f)]
    [InlineData(9, true, 1.6f)]
    public void Forward_Absorbed_IsTheDefinition(int queryRank, bool isAdjacent, float scaleFactor)
    {
        var spec = new LatentAttentionSpec(Heads, queryRank, KvRank, NopeDim, RopeDim, ValueDim, scaleFactor);
        var rope = new RopeSpec(50f, RopeDim) { IsAdjacent = isAdjacent };
        int queryInputs = queryRank == 0 ? Hidden : queryRank;
        float[] queryDown = Doubles.Random(1, queryRank * Hidden, 0.5);
        float[] queryDownNorm = Doubles.Random(2, queryRank);
        float[] queryUp = Doubles.Random(3, Heads * spec.QueryHeadDim * queryInputs, 0.5);
        float[] kvDown = Doubles.Random(4, (KvRank + RopeDim) * Hidden, 0.5);
        float[] kvDownNorm = Doubles.Random(5, KvRank);
        float[][] keyUp = [.. Enumerable.Range(0, Heads).Select(head => Doubles.Random(10 + head, NopeDim * KvRank, 0.5))];
        float[][] valueUp = [.. Enumerable.Range(0, Heads).Select(head => Doubles.Random(20 + head, ValueDim * KvRank, 0.5))];
        var attention = new LatentAttention(spec, new Rope(rope, Length), new PagedAttention(spec, 0, null))
        {
            QueryDown = queryRank == 0 ? null : new Linear(queryDown, Hidden),
            QueryDownNorm = queryRank == 0 ? null : new RmsNorm(queryDownNorm, Epsilon),
            QueryUp = new Linear(queryUp, queryInputs),
            KvDown = new Linear(kvDown, Hidden),
            KvDownNorm = new RmsNorm(kvDownNorm, Epsilon),
            QueryAbsorb = [.. keyUp.Select(up => new Linear(Transpose(up, KvRank), NopeDim))],
            ValueUp = [.. valueUp.Select(up => new Linear(up, KvRank))],
        };
        var cache = new KvCache(spec, NumberType.Float32);
        double scale = scaleFactor / Math.Sqrt(NopeDim + RopeDim);
        List<double[]> latents = [];
        List<double[]> turnedKeys = [];
        for (int position = 0; position < Length; position++)
        {
            float[] row = Doubles.Random(100 + position, Hidden);
            double[] down = Doubles.Times(Doubles.Of(row), kvDown);
            latents.Add(Doubles.RmsNorm(down[..KvRank], kvDownNorm, Epsilon));
            turnedKeys.Add(Doubles.Rotate(down[KvRank..], rope, position));
            double[] queryRow = queryRank == 0 ? Doubles.Of(row) : Doubles.RmsNorm(Doubles.Times(Doubles.Of(row), queryDown), queryDownNorm, Epsilon);
            double[][] queries = [.. Doubles.Times(queryRow, queryUp).Chunk(spec.QueryHeadDim)];

            double[] expected = [.. queries.SelectMany((query, head) => Doubles.Attend(
                [.. query[..NopeDim], .. Doubles.Rotate(query[NopeDim..], rope, position)],
                [.. latents.Zip(turnedKeys, (latent, turned) => (double[])[.. Doubles.Times(latent, keyUp[head]), .. turned])],
                [.. latents.Select(latent => Doubles.Times(latent, valueUp[head]))],
                scale,
                0,
                null))];

            Doubles.AssertClose(expected, attention.Forward(row, position, cache), 1e-4);
        }
    }

    private static float[] Transpose(float[] matrix, int columns)
    {
        int rows = matrix.Length / columns;
        return [.. Enumerable.Range(0, matrix.Length).Select(i => matrix[(i % rows * columns) + (i / rows)])];
    }
}

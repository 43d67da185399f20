using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class GroupedAttentionTests
{
    private const int Hidden = 10;
    private const int Length = 40; // two tiles of 16 positions and a half
    private const float Epsilon = 1e-6f;

    [Theory]
    [InlineData(HeadNorm.None, 0f, false, 8, 0)]
    [InlineData(HeadNorm.None, 0.7f, true, 8, 0)]
    [InlineData(HeadNorm.PerHead, 0f, true, 4, 0)]
    [InlineData(HeadNorm.PerHead, 0.7f, true, 8, 20)]
    [InlineData(HeadNorm.WholeRow, 0f, false, 4, 20)]
    [InlineData(HeadNorm.WholeRow, 0.7f, false, 8, 0)]
    public void Forward_EveryVariant_IsTheDefinition(HeadNorm norm, float clip, bool hasBias, int rotaryDim, int window)
    {
        var spec = new GroupedAttentionSpec(HeadCount: 4, KvHeadCount: 2, HeadDim: 8) { HeadNorm = norm, ClipQkv = clip, HasQkvBias = hasBias };
        var rope = new RopeSpec(50f, rotaryDim);
        int width = spec.QueryWidth + (2 * spec.KvWidth);
        float[] weights = Doubles.Random(1, width * Hidden, 0.5);
        float[]? bias = hasBias ? Doubles.Random(2, width, 0.5) : null;
        float[] queryWeight = Doubles.Random(3, norm == HeadNorm.PerHead ? spec.HeadDim : spec.QueryWidth);
        float[] keyWeight = Doubles.Random(4, norm == HeadNorm.PerHead ? spec.HeadDim : spec.KvWidth);
        float[] sinks = Doubles.Random(5, spec.HeadCount);
        var attention = new GroupedAttention(spec, new Rope(rope, Length), new PagedAttention(spec, window, sinks))
        {
            Qkv = new Linear(weights, Hidden, bias),
            QueryNorm = norm == HeadNorm.None ? null : new RmsNorm(queryWeight, Epsilon),
            KeyNorm = norm == HeadNorm.None ? null : new RmsNorm(keyWeight, Epsilon),
        };
        var cache = new KvCache(spec, NumberType.Float32);
        List<double[]> keys = [];
        List<double[]> values = [];
        for (int position = 0; position < Length; position++)
        {
            float[] row = Doubles.Random(100 + position, Hidden);
            double[] qkv = Doubles.Times(Doubles.Of(row), weights, bias);
            double[][] queryHeads = Prepare(qkv[..spec.QueryWidth], queryWeight, position);
            keys.Add([.. Prepare(qkv[spec.QueryWidth..(spec.QueryWidth + spec.KvWidth)], keyWeight, position).SelectMany(head => head)]);
            values.Add(Clip(qkv[(spec.QueryWidth + spec.KvWidth)..]));

            double[] expected = [.. queryHeads.SelectMany((query, head) =>
                Doubles.Attend(query, HeadOf(keys, head), HeadOf(values, head), 1 / Math.Sqrt(8), window, sinks[head]))];

            Doubles.AssertClose(expected, attention.Forward(row, position, cache));
        }

        double[][] Prepare(double[] row, float[] weight, int position) =>
            [.. Clip(norm == HeadNorm.None ? row : Doubles.RmsNorm(row, weight, Epsilon)).Chunk(8).Select(head => Doubles.Rotate(head, rope, position))];

        double[] Clip(double[] row) => clip == 0 ? row : [.. row.Select(value => Math.Clamp(value, -clip, clip))];

        static double[][] HeadOf(List<double[]> rows, int head) => [.. rows.Select(row => row[(head / 2 * 8)..((head / 2 * 8) + 8)])];
    }
}

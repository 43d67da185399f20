using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Tests.Reference;

/// <summary>
/// Models of grouped attention and softmax routers in doubles, whole sequences at a time, without tiles, lanes or caches: an independent second opinion on how the blocks
/// follow each other. What families add to it is compared block by block.
/// </summary>
internal sealed class DoubleModel(Checkpoint checkpoint)
{
    private readonly ModelSpec _spec = checkpoint.Spec;
    private readonly GroupedAttentionSpec _attention = (GroupedAttentionSpec)checkpoint.Spec.Attention;

    /// <summary>[tokens][vocabulary]</summary>
    public double[][] Logits(int[] tokens)
    {
        float[] table = checkpoint.Tensor(checkpoint.Names.Embedding).ToFloat32();
        double[][] rows = [.. tokens.Select(token => Doubles.Of(table[(token * _spec.HiddenSize)..((token + 1) * _spec.HiddenSize)]))];
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            LayerTensors tensors = checkpoint.Layer(layer);
            float[] attentionNorm = tensors.AttentionNorm();
            rows = [.. rows.Zip(Attend(tensors, [.. rows.Select(row => Norm(row, attentionNorm))]), Doubles.Add)];
            float[] ffnNorm = tensors.FfnNorm();
            var experts = new DoubleExperts(_spec, tensors);
            rows = [.. rows.Select(row => Doubles.Add(row, experts.Visit(Norm(row, ffnNorm))))];
        }

        float[] finalNorm = checkpoint.Tensor(checkpoint.Names.FinalNorm).ToFloat32();
        float[] head = checkpoint.Tensor(checkpoint.Names.LmHead).ToFloat32();
        return [.. rows.Select(row => Doubles.Times(Norm(row, finalNorm), head))];
    }

    private double[][] Attend(LayerTensors tensors, double[][] rows)
    {
        float[][] qkv = [.. tensors.Qkv().Select(matrix => matrix.ToFloat32())];
        float[] output = tensors.Output().ToFloat32();
        double[][][] queries = [.. rows.Select((row, position) => Heads(Doubles.Times(row, qkv[0]), tensors.QueryNorm(), position))];
        double[][][] keys = [.. rows.Select((row, position) => Heads(Doubles.Times(row, qkv[1]), tensors.KeyNorm(), position))];
        double[][][] values = [.. rows.Select(row => Doubles.Times(row, qkv[2]).Chunk(_attention.HeadDim).ToArray())];
        double scale = 1 / Math.Sqrt(_attention.HeadDim);
        return [.. rows.Select((_, position) => Doubles.Times(
            [.. queries[position].SelectMany((query, head) =>
            {
                int kvHead = head / (_attention.HeadCount / _attention.KvHeadCount);
                return Doubles.Attend(query, HeadOf(keys, kvHead, position), HeadOf(values, kvHead, position), scale, 0, null);
            })],
            output))];

        static double[][] HeadOf(double[][][] rows, int kvHead, int position) => [.. rows[..(position + 1)].Select(row => row[kvHead])];
    }

    private double[][] Heads(double[] row, float[]? norm, int position) =>
        [.. (norm is null ? row : Norm(row, norm)).Chunk(_attention.HeadDim).Select(head => Doubles.Rotate(head, _spec.Rope, position))];

    private double[] Norm(double[] row, float[] weight) => Doubles.RmsNorm(row, weight, _spec.NormEpsilon);

    /// <summary>A layer's router and experts.</summary>
    private sealed class DoubleExperts(ModelSpec spec, LayerTensors tensors)
    {
        private readonly float[] _router = tensors.Router().ToFloat32();

        private readonly float[][][] _experts =
        [
            .. Enumerable.Range(0, spec.Router.ExpertCount).Select(index => tensors.Expert(new ExpertId(index)))
                .Select(expert => (float[][])[expert.Gate.ToFloat32(), expert.Up.ToFloat32(), expert.Down.ToFloat32()]),
        ];

        public double[] Visit(double[] row)
        {
            double[] scores = Doubles.Softmax(Doubles.Times(row, _router));
            int[] chosen = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(spec.Router.ExpertsPerToken)];
            double total = spec.Router.IsNormalized ? chosen.Sum(i => scores[i]) : 1;
            return chosen.Select(i => Doubles.Scale(Apply(_experts[i], row), scores[i] / total)).Aggregate(Doubles.Add);
        }

        private static double[] Apply(float[][] expert, double[] row) =>
            Doubles.Times([.. Doubles.Times(row, expert[0]).Zip(Doubles.Times(row, expert[1]), Doubles.Swiglu)], expert[2]);
    }
}

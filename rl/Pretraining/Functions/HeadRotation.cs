using System.Runtime.Intrinsics;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>
/// Norms each query and key head and rotates it by its position; positions count from the start of each conversation. The first half of
/// a head is paired with the second (Hugging Face's rotate_half).
/// </summary>
internal static class HeadRotation
{
    private const int Half = ModelShape.HeadSize / 2;
    private static readonly Vector512<float>[] Cosines = Table(Math.Cos);
    private static readonly Vector512<float>[] Sines = Table(Math.Sin);

    public static void Forward(AttentionMemory memory, int rows)
    {
        Span<float> joined = memory.Joined!.Floats();
        Span<Vector512<float>> queryNorm = memory.QueryNorm!.Floats().Vectors();
        Span<Vector512<float>> keyNorm = memory.KeyNorm!.Floats().Vectors();
        int conversation = 0;
        for (int row = 0; row < rows; row++)
        {
            if (row == memory.Starts[conversation + 1])
                conversation++;
            int position = row - memory.Starts[conversation];
            Vector512<float> cosine = Cosines[position];
            Vector512<float> sine = Sines[position];
            for (int head = 0; head < memory.RotatedHeads; head++)
            {
                Span<Vector512<float>> x = memory.QueryPart(joined, row, head);
                Span<Vector512<float>> weight = head < memory.Shape.QueryHeads ? queryNorm : keyNorm;
                float square = Vector512.Sum(Vector512.FusedMultiplyAdd(x[1], x[1], x[0] * x[0]));
                float inverse = 1 / MathF.Sqrt((square / ModelShape.HeadSize) + ModelShape.NormEpsilon);
                memory.Inverse[(row * memory.RotatedHeads) + head] = inverse;
                Vector512<float> first = x[0] * inverse * weight[0];
                Vector512<float> second = x[1] * inverse * weight[1];
                Span<Vector512<float>> target = memory.Query(row, head);
                target[0] = (first * cosine) - (second * sine);
                target[1] = (second * cosine) + (first * sine);
            }
        }
    }

    /// <summary>Norms and rotates one head in place.</summary>
    public static void Rotate(Span<float> head, Span<float> weight, int position)
    {
        float inverse = 1 / MathF.Sqrt((VectorMath.Dot(head, head) / ModelShape.HeadSize) + ModelShape.NormEpsilon);
        Span<Vector512<float>> x = head.Vectors();
        Span<Vector512<float>> w = weight.Vectors();
        Vector512<float> first = x[0] * inverse * w[0];
        Vector512<float> second = x[1] * inverse * w[1];
        x[0] = (first * Cosines[position]) - (second * Sines[position]);
        x[1] = (second * Cosines[position]) + (first * Sines[position]);
    }

    /// <summary>Turns the gradients of rotated heads, which stand in their places of <paramref name="gradient"/>, into those of the joined rows.</summary>
    public static void Backward(AttentionMemory memory, int rows, Span<float> gradient, Span<float> queryNormGradient, Span<float> keyNormGradient)
    {
        Span<float> joined = memory.Joined!.Floats();
        Span<Vector512<float>> queryNorm = memory.QueryNorm!.Floats().Vectors();
        Span<Vector512<float>> keyNorm = memory.KeyNorm!.Floats().Vectors();
        int conversation = 0;
        for (int row = 0; row < rows; row++)
        {
            if (row == memory.Starts[conversation + 1])
                conversation++;
            int position = row - memory.Starts[conversation];
            Vector512<float> cosine = Cosines[position];
            Vector512<float> sine = Sines[position];
            for (int head = 0; head < memory.RotatedHeads; head++)
            {
                bool isQuery = head < memory.Shape.QueryHeads;
                Span<Vector512<float>> weight = isQuery ? queryNorm : keyNorm;
                Span<Vector512<float>> weightGradient = (isQuery ? queryNormGradient : keyNormGradient).Vectors();
                Span<Vector512<float>> x = memory.QueryPart(joined, row, head);
                Span<Vector512<float>> d = memory.QueryPart(gradient, row, head);
                float inverse = memory.Inverse[(row * memory.RotatedHeads) + head];
                Vector512<float> first = (d[0] * cosine) + (d[1] * sine);
                Vector512<float> second = (d[1] * cosine) - (d[0] * sine);
                weightGradient[0] += first * x[0] * inverse;
                weightGradient[1] += second * x[1] * inverse;
                first *= weight[0];
                second *= weight[1];
                float along = Vector512.Sum((first * x[0]) + (second * x[1])) * inverse * inverse / ModelShape.HeadSize;
                d[0] = (first - (x[0] * along)) * inverse;
                d[1] = (second - (x[1] * along)) * inverse;
            }
        }
    }

    private static Vector512<float>[] Table(Func<double, double> function)
    {
        Vector512<float>[] table = new Vector512<float>[ModelShape.MaxPositions];
        float[] angles = new float[Half];
        for (int position = 0; position < table.Length; position++)
        {
            for (int i = 0; i < Half; i++)
                angles[i] = (float)function(position * Math.Pow(ModelShape.RopeTheta, -(double)i / Half));
            table[position] = Vector512.Create(angles);
        }
        return table;
    }
}

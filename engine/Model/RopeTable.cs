namespace MegaInfer.Engine.Model;

/// <summary>The cosines and sines that rope multiplies with, made once when a node loads; the same numbers on every node and in the reference.</summary>
public static class RopeTable
{
    /// <summary>
    /// <c>[context, RotaryDim]</c>: for each position the RotaryDim/2 cosines, then the RotaryDim/2 sines. Exponents, inverse frequencies and angles are rounded
    /// to float32 where the hub's code does, so that far positions rotate as the model was trained.
    /// </summary>
    public static float[] Build(RopeSpec rope, int context)
    {
        int half = rope.RotaryDim / 2;
        float[] inverseFrequencies = new float[half];
        for (int i = 0; i < half; i++)
        {
            float exponent = 2f * i / rope.RotaryDim;
            inverseFrequencies[i] = 1f / (float)Math.Pow(rope.Theta, exponent);
        }

        float[] table = new float[(long)context * rope.RotaryDim];
        for (int position = 0; position < context; position++)
        {
            Span<float> row = table.AsSpan(checked(position * rope.RotaryDim), rope.RotaryDim);
            for (int i = 0; i < half; i++)
            {
                float angle = position * inverseFrequencies[i];
                row[i] = (float)Math.Cos(angle);
                row[half + i] = (float)Math.Sin(angle);
            }
        }

        return table;
    }
}

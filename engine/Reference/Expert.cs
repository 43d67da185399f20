namespace MegaInfer.Engine.Reference;

/// <summary>One expert on one row: down(silu(gate(x)) * up(x)), unweighted. mk_grouped_ffn.</summary>
internal sealed class Expert(Linear gate, Linear up, Linear down)
{
    // [hidden] -> [hidden]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        float[] gated = gate.Forward(row);
        float[] middle = up.Forward(row);
        for (int i = 0; i < middle.Length; i++)
            middle[i] = Silu(gated[i]) * middle[i];
        return down.Forward(middle);
    }

    private static float Silu(float x) => x / (1f + ExpMath.Exp(-x));
}

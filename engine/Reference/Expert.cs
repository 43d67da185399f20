using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>One expert on one row: down(activation(gate(x), up(x))), unweighted. mk_grouped_ffn. A dense layer's FFN and a shared expert are experts too.</summary>
internal sealed class Expert(ExpertSpec spec, Linear gate, Linear up, Linear down)
{
    /// <param name="spec">What the layer's experts have in common.</param>
    /// <param name="matrices">As stored.</param>
    /// <param name="wanted">As in <see cref="Linear.Of"/>; null: the type that holds all three.</param>
    public static Expert Of(ExpertSpec spec, ExpertMatrices matrices, NumberType? wanted)
    {
        NumberType type = wanted ?? MatrixView.CommonType([matrices.Gate, matrices.Up, matrices.Down]);
        return new Expert(
            spec,
            Linear.Of(matrices.Gate, type, matrices.GateBias),
            Linear.Of(matrices.Up, type, matrices.UpBias),
            Linear.Of(matrices.Down, type, matrices.DownBias));
    }

    // [hidden] -> [hidden]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        float[] gated = gate.Forward(row);
        float[] middle = up.Forward(row);
        for (int i = 0; i < middle.Length; i++)
            middle[i] = Swiglu.Of(spec, gated[i], middle[i]);
        return down.Forward(middle);
    }
}

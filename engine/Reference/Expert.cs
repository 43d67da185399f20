using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>One expert on one row: down(activation(gate(x), up(x))), unweighted. mk_grouped_ffn. A dense layer's FFN and a shared expert are experts too.</summary>
internal sealed class Expert(ExpertSpec spec, Linear gate, Linear up, Linear down)
{
    public static Expert Of(ExpertSpec spec, ExpertMatrices matrices, NumberType type) => new(
        spec,
        Linear.Of(matrices.Gate, type, matrices.GateBias),
        Linear.Of(matrices.Up, type, matrices.UpBias),
        Linear.Of(matrices.Down, type, matrices.DownBias));

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

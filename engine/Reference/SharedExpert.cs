using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>The expert that every row of a layer visits: a shared one, or the plain FFN of a dense layer.</summary>
/// <param name="expert">Its matrices.</param>
/// <param name="gate">[1, hidden], never narrowed: the row's weight is the sigmoid of its product; null: the weight is 1.</param>
internal sealed class SharedExpert(Expert expert, Linear? gate)
{
    /// <summary>Null in a layer where rows visit nothing but routed experts.</summary>
    public static SharedExpert? Of(ModelSpec spec, LayerTensors tensors, bool isDense, NumberType type)
    {
        if (isDense)
            return new SharedExpert(Expert.Of(new ExpertSpec(spec.DenseWidth), tensors.Dense(), type), null);
        if (spec.SharedExpert is not { } shared)
            return null;
        return new SharedExpert(
            Expert.Of(new ExpertSpec(shared.Width), tensors.SharedExpert()!, type),
            shared.HasGate ? Linear.Of(tensors.SharedExpertGate()!, NumberType.Float32) : null);
    }

    // [hidden] -> its weight and row [hidden]
    public (float Weight, float[] Row) Forward(float[] normed) => (gate is null ? 1f : Sigmoid.Of(gate.Forward(normed)[0]), expert.Forward(normed));
}

using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>The expert that every row of a layer visits: a shared one, or the plain FFN of a dense layer.</summary>
/// <param name="expert">Its matrices.</param>
/// <param name="gate">[1, hidden], never narrowed: the row's weight is the sigmoid of its product; null: the weight is 1.</param>
internal sealed class SharedExpert(Expert expert, Linear? gate)
{
    /// <summary>Null in a layer where rows visit nothing but routed experts.</summary>
    public static SharedExpert? Of(LayerTensors tensors, bool isDense, NumberType? type)
    {
        ExpertMatrices? matrices = isDense ? tensors.Dense() : tensors.SharedExpert();
        if (matrices is null)
            return null;
        MatrixView? gate = isDense ? null : tensors.SharedExpertGate();
        var expert = Expert.Of(new ExpertSpec(matrices.Gate.Rows), matrices, type);
        return new SharedExpert(expert, gate is null ? null : Linear.Of(gate, NumberType.Float32));
    }

    // [hidden] -> its weight and row [hidden]
    public (float Weight, float[] Row) Forward(float[] normed) => (gate is null ? 1f : Sigmoid.Of(gate.Forward(normed)[0]), expert.Forward(normed));
}

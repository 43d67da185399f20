using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>One routed expert's part of a layer's tensors, by the family's layout.</summary>
internal sealed class ExpertParts(Checkpoint checkpoint, int layer, ExpertId expert)
{
    private readonly ModelSpec _spec = checkpoint.Spec;

    public ExpertMatrices All()
    {
        TensorPatterns patterns = checkpoint.Names.Patterns;
        int width = _spec.Experts.Width;
        int hidden = _spec.HiddenSize;
        return new ExpertMatrices(
            Matrix(patterns.ExpertGate, width, hidden), Matrix(patterns.ExpertUp, width, hidden), Matrix(patterns.ExpertDown, hidden, width))
        {
            GateBias = Bias(patterns.ExpertGate, width),
            UpBias = Bias(patterns.ExpertUp, width),
            DownBias = Bias(patterns.ExpertDown, hidden),
        };
    }

    private MatrixView Matrix(ExpertPattern pattern, int rows, int columns)
    {
        if (pattern.Stacking != ExpertStacking.None && _spec.Weights.Quantized == NumberType.MxFloat4)
            return MxFloat4(pattern, rows, columns);
        if (pattern.Stacking == ExpertStacking.None)
        {
            var whole = MatrixView.Whole(checkpoint.Tensor(TensorNames.Name(pattern.Name, layer, expert)));
            return pattern.IsTransposed ? whole.Transposed() : whole;
        }

        long tensorRows = rows * pattern.Turns;
        long start = expert.Value * tensorRows * columns;
        CheckpointTensor tensor = checkpoint.Tensor(TensorNames.Name(pattern.Name, layer));
        return pattern.IsTransposed
            ? new() { Tensor = tensor, Offset = start + pattern.Turn, Rows = rows, Columns = columns, RowStride = pattern.Turns, ColumnStride = tensorRows }
            : new() { Tensor = tensor, Offset = start + (pattern.Turn * columns), Rows = rows, Columns = columns, RowStride = pattern.Turns * columns };
    }

    // 4-bit numbers: [experts, rows x turns, columns] in pairs and [experts, rows x turns, columns / 32] exponents, whatever the plain tensors' order.
    private MatrixView MxFloat4(ExpertPattern pattern, int rows, int columns)
    {
        int blocks = columns / WeightFormat.MxFloat4Block;
        long firstRow = (expert.Value * (long)rows * pattern.Turns) + pattern.Turn;
        string name = TensorNames.Name(pattern.Name, layer);
        return new MatrixView
        {
            Tensor = checkpoint.Tensor(ExpertTensorSpecs.PairsOf(name)),
            Offset = firstRow * columns,
            Rows = rows,
            Columns = columns,
            RowStride = pattern.Turns * columns,
            Scales = new ScaleView
            {
                Tensor = checkpoint.Tensor(ExpertTensorSpecs.ExponentsOf(name)),
                ElementType = NumberType.MxFloat4,
                Offset = firstRow * blocks,
                BlockRows = 1,
                BlockColumns = WeightFormat.MxFloat4Block,
                RowStride = pattern.Turns * blocks,
            },
        };
    }

    private float[]? Bias(ExpertPattern pattern, int rows)
    {
        if (pattern.Bias is null)
            return null;
        float[] all = new float[rows * pattern.Turns];
        checkpoint.Tensor(TensorNames.Name(pattern.Bias, layer)).CopyTo((long)expert.Value * all.Length, all);
        return [.. Enumerable.Range(0, rows).Select(row => all[(row * pattern.Turns) + pattern.Turn])];
    }
}

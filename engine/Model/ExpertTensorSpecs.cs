using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Model;

/// <summary>Names and shapes of a layer's routed experts, in whatever way they share tensors.</summary>
internal static class ExpertTensorSpecs
{
    public static IEnumerable<TensorSpec> Of(ModelSpec spec, TensorPatterns patterns, int layer)
    {
        int width = spec.Experts.Width;
        int hidden = spec.HiddenSize;
        (ExpertPattern Pattern, int Rows, int Columns)[] matrices =
            [(patterns.ExpertGate, width, hidden), (patterns.ExpertUp, width, hidden), (patterns.ExpertDown, hidden, width)];
        IEnumerable<TensorSpec> stacked = matrices
            .Where(matrix => matrix.Pattern.Stacking != ExpertStacking.None && matrix.Pattern.Turn == 0)
            .SelectMany(matrix => OfStacked(spec, matrix.Pattern, matrix.Rows, matrix.Columns))
            .Select(tensor => tensor with { Name = TensorNames.Name(tensor.Name, layer) });
        return stacked.Concat(OfSeparate(spec, [.. matrices.Where(matrix => matrix.Pattern.Stacking == ExpertStacking.None)], layer));
    }

    private static IEnumerable<TensorSpec> OfSeparate(ModelSpec spec, (ExpertPattern Pattern, int Rows, int Columns)[] matrices, int layer)
    {
        for (int expert = 0; matrices.Length > 0 && expert < spec.Router.ExpertCount; expert++)
        {
            foreach ((ExpertPattern pattern, int rows, int columns) in matrices)
            {
                string name = TensorNames.Name(pattern.Name, layer, new ExpertId(expert));
                yield return new TensorSpec(name, pattern.IsTransposed ? [columns, rows] : [rows, columns]) { Storage = TensorStorage.Projection };
            }
        }
    }

    private static IEnumerable<TensorSpec> OfStacked(ModelSpec spec, ExpertPattern pattern, int rows, int columns)
    {
        int experts = spec.Router.ExpertCount;
        int allRows = rows * pattern.Turns;
        if (spec.Weights.Quantized == NumberType.MxFloat4)
        {
            int blocks = columns / WeightFormat.MxFloat4Block;
            yield return new TensorSpec(PairsOf(pattern.Name), experts, allRows, blocks, WeightFormat.MxFloat4Block / 2) { Storage = TensorStorage.MxFloat4Pairs };
            yield return new TensorSpec(ExponentsOf(pattern.Name), experts, allRows, blocks) { Storage = TensorStorage.Exponents };
        }
        else
        {
            (int outer, int inner) = pattern.IsTransposed ? (columns, allRows) : (allRows, columns);
            yield return pattern.Stacking == ExpertStacking.Rows
                ? new TensorSpec(pattern.Name, experts * outer, inner)
                : new TensorSpec(pattern.Name, experts, outer, inner);
        }

        if (pattern.Bias is not null)
            yield return new TensorSpec(pattern.Bias, experts, allRows);
    }

    /// <summary>Where the 4-bit numbers of a tensor are.</summary>
    internal static string PairsOf(string name) => name + "_blocks";

    /// <summary>Where the exponents of their scales are.</summary>
    internal static string ExponentsOf(string name) => name + "_scales";
}

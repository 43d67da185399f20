using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Model;

/// <summary>Names and shapes of what the attention side has of a layer, block by block.</summary>
internal static class LayerTensorSpecs
{
    public static IEnumerable<TensorSpec> OfAttention(ModelSpec spec, TensorPatterns patterns, int layer)
    {
        IEnumerable<TensorSpec> projections = spec.Attention switch
        {
            GroupedAttentionSpec grouped => OfGrouped(grouped, patterns, spec.HiddenSize),
            LatentAttentionSpec latent => OfLatent(latent, patterns, spec.HiddenSize),
            _ => throw new ArgumentOutOfRangeException(nameof(spec)),
        };
        IEnumerable<TensorSpec> ffn = spec.Layers[layer].IsDense
            ? OfGatedFfn(patterns.Dense, spec.DenseWidth, spec.HiddenSize)
            : OfRouter(spec, patterns).Concat(OfSharedExpert(spec, patterns));
        return projections
            .Prepend(new TensorSpec(patterns.AttentionNorm, spec.HiddenSize))
            .Concat(OfOutput(spec, patterns))
            .Append(new TensorSpec(patterns.FfnNorm, spec.HiddenSize))
            .Concat(ffn)
            .Select(tensor => tensor with { Name = TensorNames.Name(tensor.Name, layer) });
    }

    private static IEnumerable<TensorSpec> OfGrouped(GroupedAttentionSpec attention, TensorPatterns patterns, int hidden)
    {
        (string Name, int Rows)[] projections = patterns.FusedQkv is { } fused
            ? [(fused, attention.QueryWidth + (2 * attention.KvWidth))]
            : [(patterns.Query, attention.QueryWidth), (patterns.Key, attention.KvWidth), (patterns.Value, attention.KvWidth)];
        foreach ((string name, int rows) in projections)
        {
            yield return Projection(name, rows, hidden);
            if (attention.HasQkvBias)
                yield return new TensorSpec(TensorNames.BiasOf(name), rows);
        }

        if (attention.HeadNorm == HeadNorm.None)
            yield break;
        bool isWhole = attention.HeadNorm == HeadNorm.WholeRow;
        yield return new TensorSpec(patterns.QueryNorm, isWhole ? attention.QueryWidth : attention.HeadDim);
        yield return new TensorSpec(patterns.KeyNorm, isWhole ? attention.KvWidth : attention.HeadDim);
    }

    private static IEnumerable<TensorSpec> OfLatent(LatentAttentionSpec attention, TensorPatterns patterns, int hidden)
    {
        int queryWidth = attention.HeadCount * attention.QueryHeadDim;
        if (attention.QueryRank == 0)
        {
            yield return Projection(patterns.Query, queryWidth, hidden);
        }
        else
        {
            yield return Projection(patterns.QueryDown, attention.QueryRank, hidden);
            yield return new TensorSpec(patterns.QueryDownNorm, attention.QueryRank);
            yield return Projection(patterns.QueryUp, queryWidth, attention.QueryRank);
        }

        yield return Projection(patterns.KvDown, attention.KvRank + attention.RopeDim, hidden);
        yield return new TensorSpec(patterns.KvDownNorm, attention.KvRank);
        yield return Projection(patterns.KvUp, attention.HeadCount * (attention.NopeDim + attention.ValueHeadDim), attention.KvRank);
    }

    private static IEnumerable<TensorSpec> OfOutput(ModelSpec spec, TensorPatterns patterns)
    {
        if (spec.Attention.HasSinks)
            yield return new TensorSpec(patterns.Sinks, spec.Attention.HeadCount);
        yield return Projection(patterns.Output, spec.HiddenSize, spec.Attention.OutputInputWidth);
        if (spec.Attention.HasOutputBias)
            yield return new TensorSpec(TensorNames.BiasOf(patterns.Output), spec.HiddenSize);
    }

    private static IEnumerable<TensorSpec> OfRouter(ModelSpec spec, TensorPatterns patterns)
    {
        yield return new TensorSpec(patterns.Router, spec.Router.ExpertCount, spec.HiddenSize);
        if (spec.Router.HasBias)
            yield return new TensorSpec(TensorNames.BiasOf(patterns.Router), spec.Router.ExpertCount);
        if (spec.Router.HasCorrection)
            yield return new TensorSpec(patterns.RouterCorrection, spec.Router.ExpertCount);
    }

    private static IEnumerable<TensorSpec> OfSharedExpert(ModelSpec spec, TensorPatterns patterns)
    {
        if (spec.SharedExpert is not { } shared)
            return [];
        IEnumerable<TensorSpec> gate = shared.HasGate ? [new TensorSpec(patterns.SharedExpertGate, 1, spec.HiddenSize)] : [];
        return OfGatedFfn(patterns.SharedExpert, shared.Width, spec.HiddenSize).Concat(gate);
    }

    private static TensorSpec[] OfGatedFfn(string module, int width, int hidden) =>
    [
        Projection($"{module}.gate_proj.weight", width, hidden),
        Projection($"{module}.up_proj.weight", width, hidden),
        Projection($"{module}.down_proj.weight", hidden, width),
    ];

    private static TensorSpec Projection(string name, int rows, int columns) => new(name, rows, columns) { Storage = TensorStorage.Projection };
}

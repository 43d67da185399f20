using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>Which norm queries and keys get before they are turned.</summary>
internal enum OracleHeadNorm
{
    None,

    /// <summary>Each head by itself, with the same weights.</summary>
    EachHead,

    /// <summary>All heads together.</summary>
    AllHeads,
}

/// <summary>Grouped-query attention, with what the families add to it. Names are relative to the prefix.</summary>
internal sealed class OracleAttention(OracleContext context, string prefix) : IOracleBlock
{
    public required int HeadCount { get; init; }

    public required int KvHeadCount { get; init; }

    public required int HeadDim { get; init; }

    public required OracleRope Rope { get; init; }

    public required OracleScores Scores { get; init; }

    public required OracleNorm Norm { get; init; }

    public OracleHeadNorm HeadNorm { get; init; }

    /// <summary>The bound of queries, keys and values; null for none.</summary>
    public double? Clip { get; init; }

    public bool HasQkvBias { get; init; }

    public bool HasOutputBias { get; init; }

    /// <summary>Whether one matrix holds queries, keys and values, in this order.</summary>
    public bool IsFused { get; init; }

    public string OutputName { get; init; } = "o_proj";

    public torch.Tensor Forward(torch.Tensor x)
    {
        (torch.Tensor query, torch.Tensor key, torch.Tensor value) = Projections(x);
        bool clipsFirst = Clip is not null && HeadNorm != OracleHeadNorm.None && !context.Features.Keeps(OracleFeature.ClipPosition);
        if (clipsFirst)
            (query, key) = (Clipped(query), Clipped(key));
        query = Normalised(query, HeadCount, "q_norm.weight");
        key = Normalised(key, KvHeadCount, "k_norm.weight");
        if (!clipsFirst)
            (query, key) = (Clipped(query), Clipped(key));
        value = Clipped(value);
        query = Rope.Rotate(Heads(query, HeadCount));
        key = context.Stored(Rope.Rotate(Heads(key, KvHeadCount)));
        value = context.Stored(Heads(value, KvHeadCount));
        torch.Tensor mixed = Scores.Attend(query, key, value, 1 / Math.Sqrt(HeadDim));
        string output = prefix + OutputName;
        return HasOutputBias
            ? context.Project(mixed, output + ".weight", output + ".bias", OracleFeature.OutputBias)
            : context.Project(mixed, output + ".weight");
    }

    private (torch.Tensor Query, torch.Tensor Key, torch.Tensor Value) Projections(torch.Tensor x)
    {
        if (!IsFused)
            return (Projection(x, "q_proj"), Projection(x, "k_proj"), Projection(x, "v_proj"));
        torch.Tensor all = Projection(x, "Wqkv");
        int queryWidth = HeadCount * HeadDim;
        int keyWidth = KvHeadCount * HeadDim;
        return (all.narrow(1, 0, queryWidth), all.narrow(1, queryWidth, keyWidth), all.narrow(1, queryWidth + keyWidth, keyWidth));
    }

    private torch.Tensor Projection(torch.Tensor x, string name) => HasQkvBias
        ? context.Project(x, $"{prefix}{name}.weight", $"{prefix}{name}.bias", OracleFeature.QkvBias)
        : context.Project(x, $"{prefix}{name}.weight");

    private torch.Tensor Clipped(torch.Tensor x) => Clip is { } bound && context.Features.Keeps(OracleFeature.ClipQkv) ? x.Within(bound) : x;

    private torch.Tensor Normalised(torch.Tensor x, int heads, string name)
    {
        if (HeadNorm == OracleHeadNorm.None || !context.Features.Keeps(OracleFeature.HeadNorm))
            return x;
        torch.Tensor weight = context.Weights[prefix + name];
        if (HeadNorm == OracleHeadNorm.EachHead)
            return Norm.Forward(Heads(x, heads), weight).reshape(x.shape);
        return context.Features.Keeps(OracleFeature.NormWidth)
            ? Norm.Forward(x, weight)
            : Norm.Forward(Heads(x, heads), weight.view(heads, HeadDim)).reshape(x.shape);
    }

    private torch.Tensor Heads(torch.Tensor x, int heads) => x.reshape(x.shape[0], heads, HeadDim);
}

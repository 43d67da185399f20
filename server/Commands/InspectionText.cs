using MegaInfer.Engine.Model;

namespace MegaInfer.Server.Commands;

/// <summary><see cref="Inspection"/> for people: a label and a line each.</summary>
internal static class InspectionText
{
    public static IEnumerable<(string Label, string Text)> Lines(Inspection inspection)
    {
        ModelSpec spec = inspection.Spec;
        ParameterCounts parameters = inspection.Parameters;
        Inspection.Pool pool = inspection.Nodes;
        yield return ("model", $"{inspection.Name} ({inspection.Folder})");
        foreach ((string label, string text) in ArchitectureText.Lines(spec))
            yield return (label, text);
        yield return ("parameters", $"{Count(parameters.Total)} in total; {Count(parameters.TotalWithoutEmbeddings)} without embedding and LM head");
        yield return ("active", $"{Count(parameters.Active)} for each token: attention, norms, router, dense and shared experts, chosen experts, LM head");
        yield return ("", $"not counted is the embedding table, of which a token reads one row: with it {Count(parameters.ActiveWithEmbedding)}; without LM head {Count(parameters.ActiveWithoutEmbeddings)}");
        yield return ("weights", $"{Size(inspection.Stored.Attention)} of the attention role, {Size(inspection.Stored.Experts)} of the expert role; {Source(inspection)}");
        yield return ("KV cache", $"{inspection.KvBytesPerToken:N0} bytes per token in {pool.KvType.ShortName()}; {Size(inspection.KvBytesOfContext)} for a sequence that fills the context");
        yield return ("memory", $"{pool.AttentionNodes} attention {Nodes(pool.AttentionNodes)} with {Size(inspection.AttentionNodeBytes)} of weights each{Packed(pool)}, and the KV cache");
        yield return ("", $"{pool.ExpertNodes} expert {Nodes(pool.ExpertNodes)} with {Size(inspection.ExpertNodeBytes)} of weights each (at most {inspection.ExpertsOfNode} of {spec.Router.ExpertCount} experts of every layer)");
        yield return ("end tokens", string.Join(", ", spec.EosTokenIds));
        if (inspection.Found is { Ignored: { } ignored })
            yield return ("ignored", ignored);
        if (inspection.Found is { } found)
            yield return ("digest", found.Digest);
    }

    private static string Packed(Inspection.Pool pool) => pool.WeightType is { } type ? $" ({type.PackedText()})" : "";

    private static string Source(Inspection inspection) => inspection.Found is { } found
        ? $"stored as {found.AttentionType.ShortName()} and {found.ExpertType.ShortName()}"
        : "by config.json alone, the weights are not there";

    private static string Nodes(int count) => count == 1 ? "node" : "nodes";

    private static string Count(long parameters) => parameters switch
    {
        >= 1_000_000_000 => $"{parameters / 1e9:N2} B",
        >= 1_000_000 => $"{parameters / 1e6:N2} M",
        _ => $"{parameters:N0}",
    };

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):N2} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):N1} MiB",
        _ => $"{bytes / 1024.0:N1} KiB",
    };
}

using MegaInfer.Engine.Model;

namespace MegaInfer.Server.Commands;

/// <summary>A <see cref="ModelSpec"/> in words: a label and a line for each block.</summary>
internal static class ArchitectureText
{
    public static IEnumerable<(string Label, string Text)> Lines(ModelSpec spec)
    {
        yield return ("family", spec.Family);
        yield return ("rows", $"{spec.HiddenSize} wide, {(spec.Norm == NormKind.Layer ? "LayerNorm" : "RMSNorm")}; vocabulary {spec.VocabularySize}{(spec.HasTiedEmbeddings ? ", tied embeddings" : "")}; context {spec.ContextLength}");
        yield return ("layers", Layers(spec));
        yield return ("attention", Attention(spec.Attention));
        yield return ("rope", Rope(spec.Rope));
        yield return ("router", Router(spec.Router));
        yield return ("experts", Experts(spec));
    }

    private static string Layers(ModelSpec spec)
    {
        int dense = spec.Layers.Count(layer => layer.IsDense);
        int[] windows = [.. spec.Layers.Select(layer => layer.Window).Where(window => window > 0)];
        return Join(
            $"{spec.LayerCount}",
            dense == 0 ? "all with experts" : $"{dense} dense of width {spec.DenseWidth}",
            windows.Length == 0 ? null : $"{windows.Length} attend through a window of {windows[0]}");
    }

    private static string Attention(AttentionSpec attention) => attention switch
    {
        GroupedAttentionSpec grouped => Join(
            $"grouped: {grouped.HeadCount} heads, {grouped.KvHeadCount} KV heads of {grouped.HeadDim}",
            grouped.HasQkvBias ? "biased q, k, v" : null,
            grouped.HeadNorm switch { HeadNorm.PerHead => "q and k normed per head", HeadNorm.WholeRow => "q and k normed as whole rows", _ => null },
            grouped.ClipQkv > 0 ? $"q, k, v clamped to {grouped.ClipQkv}" : null,
            grouped.HasSinks ? "sinks" : null,
            grouped.HasOutputBias ? "biased output" : null),
        LatentAttentionSpec latent => Join(
            $"latent: {latent.HeadCount} heads of {latent.NopeDim} + {latent.RopeDim}",
            $"cached latent of {latent.KvRank} + {latent.RopeDim}",
            $"values of {latent.ValueHeadDim}",
            latent.QueryRank > 0 ? $"queries through a latent of {latent.QueryRank}" : null,
            latent.ScaleFactor != 1 ? $"scores x {latent.ScaleFactor:0.###}" : null),
        _ => throw new ArgumentOutOfRangeException(nameof(attention)),
    };

    private static string Rope(RopeSpec rope) => Join(
        $"theta {rope.Theta:0.###}",
        $"{rope.RotaryDim} components rotate{(rope.IsAdjacent ? " in neighbouring pairs" : "")}",
        rope.LinearFactor != 1 ? $"stretched {rope.LinearFactor:0.###} times" : null,
        rope.Yarn is { } yarn ? $"YaRN x {yarn.Factor:0.###} from {yarn.OriginalContext} positions" : null);

    private static string Router(RouterSpec router) => Join(
        $"{(router.Score == RouterScore.Sigmoid ? "sigmoid" : "softmax")} over {router.ExpertCount} experts{(router.HasBias ? " with a bias" : "")}",
        router.HasCorrection ? "corrected for the choice" : null,
        router.Groups > 1 ? $"{router.TopGroups} of {router.Groups} groups by their {(router.GroupScore == GroupScore.TopTwo ? "two best" : "best")}" : null,
        $"{router.ExpertsPerToken} for each token",
        router.IsNormalized ? "weights sum to 1" : null,
        router.Scaling != 1 ? $"weights x {router.Scaling:0.####}" : null);

    private static string Experts(ModelSpec spec) => Join(
        $"of width {spec.Experts.Width}",
        spec.Experts.Activation == Activation.ClampedSwiglu ? $"SwiGLU clamped to {spec.Experts.Limit:0.###}" : "SwiGLU",
        spec.Experts.HasBias ? "biased" : null,
        spec.SharedExpert is { } shared ? $"a shared expert of width {shared.Width}{(shared.HasGate ? " with a gate" : "")}" : null);

    private static string Join(params string?[] parts) => string.Join(", ", parts.Where(part => part is not null));
}

using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// Multi-head latent attention (arXiv 2405.04434, section 2.1) as it is defined, with keys and values expanded from the latent. A head's query and
/// key have a part without position, from the latents, and a turned part; the turned key is one for all heads.
/// </summary>
internal sealed class OracleLatentAttention(OracleContext context, string prefix) : IOracleBlock
{
    public required int HeadCount { get; init; }

    /// <summary>Width of the latent of keys and values.</summary>
    public required int LatentDim { get; init; }

    /// <summary>Whether queries come from a latent too.</summary>
    public required bool HasQueryLatent { get; init; }

    /// <summary>Width of a head's part without position.</summary>
    public required int PlainDim { get; init; }

    public required int RotaryDim { get; init; }

    public required int ValueDim { get; init; }

    public required OracleRope Rope { get; init; }

    public required OracleScores Scores { get; init; }

    public required OracleNorm Norm { get; init; }

    /// <summary>What YaRN puts on the scale of the scores.</summary>
    public double SoftmaxFactor { get; init; } = 1;

    public torch.Tensor Forward(torch.Tensor x)
    {
        long tokens = x.shape[0];
        torch.Tensor query = Query(x).reshape(tokens, HeadCount, PlainDim + RotaryDim);
        torch.Tensor compressed = context.Project(x, prefix + "kv_a_proj_with_mqa.weight");
        torch.Tensor latent = compressed.narrow(1, 0, LatentDim);
        if (context.Features.Keeps(OracleFeature.LatentNorm))
            latent = Norm.Forward(latent, prefix + "kv_a_layernorm.weight");
        torch.Tensor turnedKey = Rope.Rotate(compressed.narrow(1, LatentDim, RotaryDim).unsqueeze(1));
        torch.Tensor expanded = context.Project(context.Stored(latent), prefix + "kv_b_proj.weight").reshape(tokens, HeadCount, PlainDim + ValueDim);
        torch.Tensor key = torch.cat([expanded.narrow(2, 0, PlainDim), context.Stored(turnedKey).expand(tokens, HeadCount, RotaryDim)], 2);
        query = torch.cat([query.narrow(2, 0, PlainDim), Rope.Rotate(query.narrow(2, PlainDim, RotaryDim))], 2);
        torch.Tensor mixed = Scores.Attend(query, key, expanded.narrow(2, PlainDim, ValueDim), Scale());
        return context.Project(mixed, prefix + "o_proj.weight");
    }

    private torch.Tensor Query(torch.Tensor x)
    {
        if (!HasQueryLatent)
            return context.Project(x, prefix + "q_proj.weight");
        torch.Tensor latent = context.Project(x, prefix + "q_a_proj.weight");
        if (context.Features.Keeps(OracleFeature.QueryLatentNorm))
            latent = Norm.Forward(latent, prefix + "q_a_layernorm.weight");
        return context.Project(latent, prefix + "q_b_proj.weight");
    }

    private double Scale()
    {
        double scale = 1 / Math.Sqrt(PlainDim + RotaryDim);
        return SoftmaxFactor != 1 && context.Features.Keeps(OracleFeature.SoftmaxScale) ? scale * SoftmaxFactor : scale;
    }
}

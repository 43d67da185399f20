using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What every block of one oracle shares.</summary>
internal sealed record OracleContext(OracleConfig Config, OracleWeights Weights, OracleFeatures Features, OracleTrace Trace)
{
    /// <summary>Whether keys and values are rounded to bf16, as a cache of that type would.</summary>
    public bool RoundsKv { get; init; }

    /// <summary>x times the transpose of a weight [out, in].</summary>
    public torch.Tensor Project(torch.Tensor x, string weight) => x.matmul(Weights[weight].t());

    /// <summary>The same with a bias that counts as the named feature.</summary>
    public torch.Tensor Project(torch.Tensor x, string weight, string bias, string feature)
    {
        torch.Tensor projected = Project(x, weight);
        return Features.Keeps(feature) ? projected.Plus(Weights[bias]) : projected;
    }

    /// <summary>What a KV cache would give back.</summary>
    public torch.Tensor Stored(torch.Tensor x) => RoundsKv ? x.Rounded() : x;
}

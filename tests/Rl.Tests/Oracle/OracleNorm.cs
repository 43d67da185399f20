using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A norm over the last dimension, without a bias: x / sqrt(mean(x^2) + epsilon) * weight, of x - mean(x) where the mean is removed.</summary>
internal sealed class OracleNorm(OracleContext context, double epsilon, bool removesMean = false)
{
    public torch.Tensor Forward(torch.Tensor x, torch.Tensor weight)
    {
        if (removesMean && context.Features.Keeps(OracleFeature.LayerNormMean))
            x = x.Plus(x.mean([-1L], keepdim: true).neg());
        double added = context.Features.Keeps(OracleFeature.NormEpsilon) ? epsilon : 0;
        return x.mul(x.mul(x).mean([-1L], keepdim: true).Plus(added).rsqrt()).mul(weight);
    }

    public torch.Tensor Forward(torch.Tensor x, string weight) => Forward(x, context.Weights[weight]);
}

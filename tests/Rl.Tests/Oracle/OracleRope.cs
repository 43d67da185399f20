using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// Turns pairs of dimensions by position times frequency: (x, y) -> (x cos - y sin, y cos + x sin). A pair is either dimension i with i + half, or
/// 2 i with 2 i + 1. Dimensions past the rotary ones stay as they are.
/// </summary>
internal sealed class OracleRope(OracleContext context, OracleRopeForm form, int headDim, bool hasAdjacentPairs = false)
{
    /// <summary>[tokens, heads, headDim], token t at position t.</summary>
    public torch.Tensor Rotate(torch.Tensor x)
    {
        int rotaryDim = form.RotaryDim;
        if (rotaryDim < headDim && !context.Features.Keeps(OracleFeature.PartialRotary))
            rotaryDim = headDim;
        double[] frequencies = Frequencies(rotaryDim);
        int tokens = (int)x.shape[0];
        torch.Tensor cosine = Table(tokens, frequencies, Math.Cos);
        torch.Tensor sine = Table(tokens, frequencies, Math.Sin);
        bool isAdjacent = context.Features.Keeps(OracleFeature.RopeLayout) ? hasAdjacentPairs : !hasAdjacentPairs;
        int half = rotaryDim / 2;
        torch.Tensor turning = x.narrow(2, 0, rotaryDim);
        // Either way, first and second members of the pairs lie in planes [tokens, heads, half].
        torch.Tensor pairs = isAdjacent ? turning.reshape(tokens, -1, half, 2) : turning.reshape(tokens, -1, 2, half).transpose(2, 3);
        torch.Tensor first = pairs.select(3, 0);
        torch.Tensor second = pairs.select(3, 1);
        torch.Tensor newFirst = first.mul(cosine).Plus(second.mul(sine).neg());
        torch.Tensor newSecond = second.mul(cosine).Plus(first.mul(sine));
        torch.Tensor turned = isAdjacent ? torch.stack([newFirst, newSecond], 3).reshape(tokens, -1, rotaryDim) : torch.cat([newFirst, newSecond], 2);
        return torch.cat([turned, x.narrow(2, rotaryDim, headDim - rotaryDim)], 2);
    }

    private double[] Frequencies(int dim)
    {
        double[] plain = [.. Enumerable.Range(0, dim / 2).Select(pair => Math.Pow(form.Theta, -2.0 * pair / dim))];
        if (form.Yarn is not { } yarn)
            return plain;
        if (!context.Features.Keeps(OracleFeature.RopeScaling))
            return plain;
        if (!context.Features.Keeps(OracleFeature.RopeRamp))
            return [.. plain.Select(frequency => frequency / yarn.Factor)];
        double[] scaled = yarn.Frequencies(form.Theta, dim);
        return Mistaken(OracleFeature.RopeTruncation, yarn with { Truncates = !yarn.Truncates })
            ?? Mistaken(OracleFeature.RopeBetas, yarn with { BetaFast = 32, BetaSlow = 1 })
            ?? Mistaken(OracleFeature.RopeOriginalLength, yarn with { OriginalLength = yarn.LongLength })
            ?? scaled;

        // A parameter that changes nothing is no feature.
        double[]? Mistaken(string feature, OracleYarn other)
        {
            double[] wrong = other.Frequencies(form.Theta, dim);
            return !wrong.SequenceEqual(scaled) && !context.Features.Keeps(feature) ? wrong : null;
        }
    }

    // [tokens, 1, half]
    private torch.Tensor Table(int tokens, double[] frequencies, Func<double, double> wave)
    {
        double factor = form.Yarn?.AttentionFactor ?? 1;
        if (factor != 1 && !context.Features.Keeps(OracleFeature.AttentionFactor))
            factor = 1;
        IEnumerable<double> angles = Enumerable.Range(0, tokens).SelectMany(position => frequencies.Select(frequency => position * frequency));
        float[] values = [.. angles.Select(angle => (float)(factor * wave(angle)))];
        return torch.from_array(values).view(tokens, 1, frequencies.Length);
    }
}

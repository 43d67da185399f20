using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>libtorch operations with numbers, whose scalars live until the operation is done: made on the fly, they may be collected while it runs.</summary>
internal static class OracleMath
{
    private static readonly Scalar One = 1;
    private static readonly Scalar Nothing = float.NegativeInfinity;

    public static torch.Tensor Plus(this torch.Tensor x, torch.Tensor y) => x.add(y, One);

    public static torch.Tensor Plus(this torch.Tensor x, double number)
    {
        using Scalar scalar = number;
        return x.add(scalar);
    }

    public static torch.Tensor Times(this torch.Tensor x, double factor)
    {
        using Scalar scalar = factor;
        return x.mul(scalar);
    }

    public static torch.Tensor Power(this torch.Tensor x, double exponent)
    {
        using Scalar scalar = exponent;
        return x.pow(scalar);
    }

    public static torch.Tensor AtLeast(this torch.Tensor x, double bound)
    {
        using Scalar scalar = bound;
        return x.clamp_min(scalar);
    }

    public static torch.Tensor AtMost(this torch.Tensor x, double bound)
    {
        using Scalar scalar = bound;
        return x.clamp_max(scalar);
    }

    /// <summary>Every element moved into [-bound, bound].</summary>
    public static torch.Tensor Within(this torch.Tensor x, double bound)
    {
        using Scalar low = -bound;
        using Scalar high = bound;
        return x.clamp(low, high);
    }

    /// <summary>Minus infinity where the mask is true.</summary>
    public static torch.Tensor Without(this torch.Tensor x, torch.Tensor mask) => x.masked_fill(mask, Nothing);

    /// <summary>x sigmoid(slope x)</summary>
    public static torch.Tensor Swish(this torch.Tensor x, double slope = 1) => x.mul(x.Times(slope).sigmoid());

    /// <summary>As it comes back from storage in bf16.</summary>
    public static torch.Tensor Rounded(this torch.Tensor x) => x.to(torch.bfloat16).to(torch.float32);
}

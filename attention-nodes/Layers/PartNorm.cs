using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>RMSNorm, in place, of a part of each row: of heads each by itself, of all heads together, or of a latent.</summary>
internal sealed class PartNorm(KernelContext context, DeviceBuffer weight, float epsilon)
{
    private readonly int _width = (int)(weight.Bytes / sizeof(float));

    /// <param name="part">Where the part begins in the first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="width">Of the part: a multiple of the weight's, which norms each of as many groups.</param>
    /// <param name="stride">From one row to the next.</param>
    public void Forward(DeviceAddress part, int rows, int width, int stride) => context.RmsNorm(new RmsNormArgs
    {
        In = part,
        Weight = weight.Address,
        Out = part,
        Rows = rows,
        Groups = width / _width,
        Width = _width,
        InStride = stride,
        OutStride = stride,
        Epsilon = epsilon,
    });
}

using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>A norm of hidden rows, of the kind that the model has. [rows, hidden] to [rows, hidden]</summary>
internal sealed class Norm(KernelContext context, ModelSpec spec, DeviceBuffer weight)
{
    /// <summary>May work in place.</summary>
    public void Forward(DeviceAddress from, DeviceAddress to, int rows)
    {
        if (spec.Norm == NormKind.Layer)
        {
            context.LayerNorm(new LayerNormArgs
            {
                In = from,
                Weight = weight.Address,
                Out = to,
                Rows = rows,
                Width = spec.HiddenSize,
                InStride = spec.HiddenSize,
                OutStride = spec.HiddenSize,
                Epsilon = spec.NormEpsilon,
            });
            return;
        }

        context.RmsNorm(new RmsNormArgs
        {
            In = from,
            Weight = weight.Address,
            Out = to,
            Rows = rows,
            Groups = 1,
            Width = spec.HiddenSize,
            InStride = spec.HiddenSize,
            OutStride = spec.HiddenSize,
            Epsilon = spec.NormEpsilon,
        });
    }
}

using System.Runtime.InteropServices;
using MegaInfer.Engine.Model;

namespace MegaInfer.Kernels;

/// <summary>What the experts of a layer have in common; mirrors mk_experts_shape.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ExpertsShape
{
    // Set by the call from its own argument.
    internal int Count;
    public int Hidden;

    /// <summary>Rows of gate and up.</summary>
    public int Width;

    /// <summary>Packed as: F32 or BF16 from any type, F8E4M3 and MxFp4 from themselves.</summary>
    public WeightType Type;
    public Activation Activation;

    /// <summary>Clamped SwiGLU only.</summary>
    public float Alpha;

    /// <summary>Clamped SwiGLU only; positive.</summary>
    public float Limit;
}

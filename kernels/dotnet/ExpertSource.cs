using System.Runtime.InteropServices;

namespace MegaInfer.Kernels;

/// <summary>One expert's matrices: gate and up [width, hidden], down [hidden, width].</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ExpertSource(MatrixSource Gate, MatrixSource Up, MatrixSource Down);

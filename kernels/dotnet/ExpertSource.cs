using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.Kernels;

/// <summary>One expert's matrices and biases in host memory; mirrors mk_expert_matrices. Read only while packing. All experts of a layer or none have biases.</summary>
/// <param name="Gate">[width, hidden]</param>
/// <param name="Up">[width, hidden]</param>
/// <param name="Down">[hidden, width]</param>
/// <param name="GateBias">[width] fp32 or null.</param>
/// <param name="UpBias">[width] fp32; null exactly where GateBias is.</param>
/// <param name="DownBias">[hidden] fp32 or null.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ExpertSource(
    MatrixSource Gate, MatrixSource Up, MatrixSource Down, DeviceAddress GateBias = default, DeviceAddress UpBias = default, DeviceAddress DownBias = default);

using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.Kernels;

/// <summary>A row-major matrix [rows, columns] = [out_features, in_features] in host memory, as the checkpoint holds it. Read only while packing.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MatrixSource(DeviceAddress Data, WeightType Type, int Rows);

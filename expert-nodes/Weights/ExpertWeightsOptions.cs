using MegaInfer.Engine;
using MegaInfer.Kernels;

namespace MegaInfer.ExpertNodes.Weights;

/// <summary>How experts are loaded.</summary>
/// <param name="Type">Type of the packed weights: F32 or BF16.</param>
/// <param name="Version">What dispatches will call them.</param>
public sealed record ExpertWeightsOptions(WeightType Type, WeightVersion Version = default);

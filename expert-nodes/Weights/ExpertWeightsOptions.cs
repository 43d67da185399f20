using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.ExpertNodes.Weights;

/// <summary>How experts are loaded.</summary>
/// <param name="Type">Type of the packed weights: Float32, BFloat16, Int8 or Int4; null: as each is stored.</param>
/// <param name="Version">What dispatches will call them.</param>
public sealed record ExpertWeightsOptions(NumberType? Type, WeightVersion Version = default);

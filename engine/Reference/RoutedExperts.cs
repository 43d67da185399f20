using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>The router and the experts that it chooses from.</summary>
/// <param name="router">[experts, hidden]; routers are never narrowed.</param>
/// <param name="gate">Logits to a choice.</param>
/// <param name="experts">By index.</param>
internal sealed class RoutedExperts(Linear router, Gate gate, IReadOnlyList<Expert> experts)
{
    public static RoutedExperts Of(ModelSpec spec, LayerTensors tensors, NumberType? type) => new(
        Linear.Of(tensors.Router(), NumberType.Float32, tensors.RouterBias()),
        new Gate(spec.Router, tensors.RouterCorrection()),
        [.. Enumerable.Range(0, spec.Router.ExpertCount).Select(index => Expert.Of(spec.Experts, tensors.Expert(new ExpertId(index)), type))]);

    // [hidden] -> the chosen experts' weights and rows [hidden], ascending by expert
    public IEnumerable<(float Weight, float[] Row)> Forward(float[] normed) =>
        gate.Forward(router.Forward(normed)).Select(route => (route.Weight, experts[route.Expert.Value].Forward(normed)));
}

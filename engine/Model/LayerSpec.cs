namespace MegaInfer.Engine.Model;

/// <summary>What sets a layer apart from its neighbours.</summary>
/// <param name="IsDense">A plain FFN on the attention side instead of router and experts: nothing is dispatched.</param>
/// <param name="Window">A row attends to the last so many positions, its own included; 0: to all of them.</param>
public readonly record struct LayerSpec(bool IsDense, int Window)
{
    /// <summary>Layers with experts and whole attention.</summary>
    public static IReadOnlyList<LayerSpec> Alike(int count) => [.. Enumerable.Repeat(default(LayerSpec), count)];
}

using System.Collections.Immutable;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.Kernels;

namespace MegaInfer.ExpertNodes.Weights;

/// <summary>One version of the experts that this node holds, packed for its kernels, for every layer. Immutable.</summary>
public sealed class ExpertWeights : IDisposable
{
    private readonly PackedCache? _cache;

    private ExpertWeights(WeightVersion version, LocalExperts experts, ImmutableArray<GroupedFfn?> layers, PackedCache? cache)
    {
        _cache = cache;
        Version = version;
        Experts = experts;
        Layers = layers;
    }

    public WeightVersion Version { get; }

    public LocalExperts Experts { get; }

    /// <summary>[layers]; null where a layer is dense, and so is computed by the attention nodes.</summary>
    public ImmutableArray<GroupedFfn?> Layers { get; }

    /// <summary>Memory that the packed weights take.</summary>
    public long Bytes => Layers.Sum(layer => layer?.WeightBytes ?? 0);

    /// <summary>What they are packed as.</summary>
    public IEnumerable<NumberType> Types => Layers.OfType<GroupedFfn>().Select(layer => layer.Type).Distinct();

    /// <summary>
    /// Packs the held experts layer by layer and gives each layer's source pages back before the next, so that loading needs the packed weights and the held
    /// experts of one layer of the checkpoint at a time. Owns <paramref name="cache"/> from here on; null: packed weights are kept nowhere. The caller must be the only user of <paramref name="context"/> meanwhile.
    /// </summary>
    /// <exception cref="KernelException">Memory is short.</exception>
    /// <exception cref="OperationCanceledException">Nothing stays loaded.</exception>
    public static ExpertWeights Load(
        Checkpoint checkpoint, LocalExperts experts, KernelContext context, ExpertWeightsOptions options, PackedCache? cache = null, CancellationToken cancel = default)
    {
        ModelSpec spec = checkpoint.Spec;
        var layers = ImmutableArray.CreateBuilder<GroupedFfn?>(spec.LayerCount);
        try
        {
            for (int layer = 0; layer < spec.LayerCount; layer++)
            {
                cancel.ThrowIfCancellationRequested();
                layers.Add(spec.Layers[layer].IsDense ? null : new GroupedFfn(context, Pack(checkpoint.Layer(layer), spec, experts, context, options.Type, cache)));
            }
        }
        catch
        {
            cache?.Dispose();
            foreach (GroupedFfn? layer in layers)
                layer?.Dispose();
            throw;
        }

        return new ExpertWeights(options.Version, experts, layers.MoveToImmutable(), cache);
    }

    /// <summary>Finishes in the background, beside their use, what loading left over: see <see cref="PackedCache.StartSettling"/>. Once.</summary>
    public void StartSettling() => _cache?.StartSettling();

    /// <summary>What settling has not come to. Any thread.</summary>
    public long UnsettledBytes => _cache?.UnsettledBytes ?? 0;

    public void Dispose()
    {
        _cache?.Dispose();
        foreach (GroupedFfn? layer in Layers)
            layer?.Dispose();
    }

    private static PackedExperts Pack(LayerTensors tensors, ModelSpec spec, LocalExperts experts, KernelContext context, NumberType? type, PackedCache? cache)
    {
        ExpertMatrices[] held = [.. experts.Held.Select(tensors.Expert)];
        // Which type is the layer's, not the node's: a node without experts says the same as the others.
        IEnumerable<ExpertMatrices> examples = held.Length > 0 ? held : [tensors.Expert(new ExpertId(0))];
        WeightType packed = CheckpointPacking.PackedType(examples.SelectMany(expert => new[] { expert.Gate, expert.Up, expert.Down }), type);
        return context.PackExperts(held, spec.Experts, spec.HiddenSize, packed, cache);
    }
}

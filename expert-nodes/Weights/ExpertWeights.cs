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
    private ExpertWeights(WeightVersion version, LocalExperts experts, ImmutableArray<GroupedFfn> layers)
    {
        Version = version;
        Experts = experts;
        Layers = layers;
    }

    public WeightVersion Version { get; }

    public LocalExperts Experts { get; }

    /// <summary>[layers]</summary>
    public ImmutableArray<GroupedFfn> Layers { get; }

    /// <summary>Memory that the packed weights take.</summary>
    public long Bytes => Layers.Sum(layer => layer.WeightBytes);

    /// <summary>
    /// Packs the held experts layer by layer and gives each layer's source pages back before the next, so that loading needs the packed weights and one
    /// layer of the checkpoint at a time. The caller must be the only user of <paramref name="context"/> meanwhile.
    /// </summary>
    /// <exception cref="KernelException">Memory is short.</exception>
    /// <exception cref="OperationCanceledException">Nothing stays loaded.</exception>
    public static ExpertWeights Load(
        Checkpoint checkpoint, LocalExperts experts, KernelContext context, ExpertWeightsOptions options, CancellationToken cancel = default)
    {
        ModelSpec spec = checkpoint.Spec;
        var layers = ImmutableArray.CreateBuilder<GroupedFfn>(spec.LayerCount);
        try
        {
            for (int layer = 0; layer < spec.LayerCount; layer++)
            {
                cancel.ThrowIfCancellationRequested();
                layers.Add(new GroupedFfn(context, Pack(checkpoint, experts, layer, context, options.Type)));
            }
        }
        catch
        {
            foreach (GroupedFfn layer in layers)
                layer.Dispose();
            throw;
        }

        return new ExpertWeights(options.Version, experts, layers.MoveToImmutable());
    }

    public void Dispose()
    {
        foreach (GroupedFfn layer in Layers)
            layer.Dispose();
    }

    private static PackedExperts Pack(Checkpoint checkpoint, LocalExperts experts, int layer, KernelContext context, WeightType type)
    {
        ModelSpec spec = checkpoint.Spec;
        var tensors = new List<CheckpointTensor>(experts.Count * 3);
        try
        {
            var sources = new ExpertSource[experts.Count];
            for (int local = 0; local < sources.Length; local++)
            {
                ExpertId expert = experts.Held[local];
                sources[local] = new ExpertSource(
                    Source(checkpoint.Names.ExpertGate(layer, expert)),
                    Source(checkpoint.Names.ExpertUp(layer, expert)),
                    Source(checkpoint.Names.ExpertDown(layer, expert)));
            }

            return context.PackExperts(sources, spec.HiddenSize, spec.Experts.Width, type);
        }
        finally
        {
            foreach (CheckpointTensor tensor in tensors)
                tensor.Release();
        }

        MatrixSource Source(string name)
        {
            CheckpointTensor tensor = checkpoint.Tensor(name);
            tensors.Add(tensor);
            return new MatrixSource(tensor.Address, (WeightType)tensor.NumberType, tensor.Shape[0]);
        }
    }
}

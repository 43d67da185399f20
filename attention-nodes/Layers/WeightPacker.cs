using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>Turns a checkpoint's tensors into what kernels read, giving each tensor's pages back as soon as it is packed.</summary>
/// <param name="type">Type of the packed projections: Float32 or BFloat16.</param>
internal sealed class WeightPacker(Checkpoint checkpoint, KernelContext context, NumberType type)
{
    internal TensorNames Names => checkpoint.Names;

    internal WeightType TypeOf(string name) => (WeightType)checkpoint.Tensor(name).NumberType;

    internal LayerWeights PackLayer(int layer)
    {
        bool hasHeadNorm = checkpoint.Spec.Attention is GroupedAttentionSpec { HeadNorm: not HeadNorm.None };
        return new LayerWeights
        {
            AttentionNorm = Widen(Names.AttentionNorm(layer)),
            Qkv = Pack([Names.Query(layer), Names.Key(layer), Names.Value(layer)]),
            QueryNorm = hasHeadNorm ? Widen(Names.QueryNorm(layer)) : null,
            KeyNorm = hasHeadNorm ? Widen(Names.KeyNorm(layer)) : null,
            Output = Pack([Names.Output(layer)]),
            FfnNorm = Widen(Names.FfnNorm(layer)),
            Router = PackRouter(Names.Router(layer)),
        };
    }

    /// <summary>Stacks matrices with the same columns by rows.</summary>
    internal PackedWeight Pack(ReadOnlySpan<string> names) => Pack(names, type);

    /// <summary>A small tensor as fp32.</summary>
    internal DeviceBuffer Widen(string name) => Upload(checkpoint.Tensor(name).ToFloat32());

    internal DeviceBuffer Upload(ReadOnlySpan<float> values)
    {
        DeviceBuffer buffer = context.Allocate((long)values.Length * sizeof(float));
        values.CopyTo(buffer.HostSpan<float>());
        return buffer;
    }

    /// <summary>A tensor as it is stored.</summary>
    internal DeviceBuffer Copy(string name)
    {
        CheckpointTensor tensor = checkpoint.Tensor(name);
        DeviceBuffer buffer = context.Allocate(tensor.Bytes);
        context.Copy(buffer.Address, tensor.Address, tensor.Bytes);
        tensor.Release();
        return buffer;
    }

    // The router decides which experts a row sees: it keeps every bit that is stored, whatever the projections are packed as.
    private PackedWeight PackRouter(string name) =>
        Pack([name], checkpoint.Tensor(name).NumberType == NumberType.BFloat16 ? NumberType.BFloat16 : NumberType.Float32);

    private PackedWeight Pack(ReadOnlySpan<string> names, NumberType packedType)
    {
        var tensors = new CheckpointTensor[names.Length];
        var sources = new MatrixSource[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            tensors[i] = checkpoint.Tensor(names[i]);
            sources[i] = new MatrixSource(tensors[i].Address, (WeightType)tensors[i].NumberType, tensors[i].Shape[0]);
        }

        try
        {
            return context.PackWeight(sources, tensors[0].Shape[1], (WeightType)packedType);
        }
        finally
        {
            foreach (CheckpointTensor tensor in tensors)
                tensor.Release();
        }
    }
}

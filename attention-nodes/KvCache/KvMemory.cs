using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.KvCache;

/// <summary>
/// The keys and values of this node: for each layer an array of blocks, in device memory that the system provides when it is first written. Which block
/// is whose, <see cref="KvSpace"/> knows.
/// </summary>
public sealed class KvMemory : IDisposable
{
    private readonly DeviceBuffer _buffer;
    private readonly long _layerBytes;

    public KvMemory(KernelContext context, ModelSpec spec, NumberType type, int blockCount)
    {
        Type = (WeightType)type;
        BlockCount = blockCount;
        AttentionSpec attention = spec.Attention;
        _layerBytes = blockCount * KvBlock.Bytes(attention.KvHeadCount, attention.KeyDim, attention.IsLatent, Type);
        _buffer = context.Allocate(_layerBytes * spec.LayerCount);
    }

    public WeightType Type { get; }

    public int BlockCount { get; }

    /// <summary>[blocks] of a layer.</summary>
    public DeviceAddress Layer(int layer) => _buffer.Address.Plus(_layerBytes * layer);

    public void Dispose() => _buffer.Dispose();
}

using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>The attention side's weights of one layer, packed. Immutable.</summary>
public sealed record LayerWeights : IDisposable
{
    /// <summary>[hidden] fp32</summary>
    public required DeviceBuffer AttentionNorm { get; init; }

    /// <summary>Query, key and value projections stacked: [query width + 2 x KV width, hidden].</summary>
    public required PackedWeight Qkv { get; init; }

    /// <summary>[head dim] fp32; null where the model has no head norms.</summary>
    public DeviceBuffer? QueryNorm { get; init; }

    /// <summary>[head dim] fp32; null where the model has no head norms.</summary>
    public DeviceBuffer? KeyNorm { get; init; }

    /// <summary>[hidden, query width]</summary>
    public required PackedWeight Output { get; init; }

    /// <summary>[hidden] fp32</summary>
    public required DeviceBuffer FfnNorm { get; init; }

    /// <summary>[experts, hidden], never narrowed.</summary>
    public required PackedWeight Router { get; init; }

    public long Bytes => AttentionNorm.Bytes + Qkv.Bytes + (QueryNorm?.Bytes ?? 0) + (KeyNorm?.Bytes ?? 0) + Output.Bytes + FfnNorm.Bytes + Router.Bytes;

    public void Dispose()
    {
        AttentionNorm.Dispose();
        Qkv.Dispose();
        QueryNorm?.Dispose();
        KeyNorm?.Dispose();
        Output.Dispose();
        FfnNorm.Dispose();
        Router.Dispose();
    }
}

namespace MegaInfer.Engine.Model;

/// <summary>How config.json says that the weights are stored. What each tensor really is, its file says.</summary>
/// <param name="PlainType">Type of what is not quantised.</param>
public sealed record WeightFormat(NumberType PlainType)
{
    /// <summary>Rows and columns of the block of an FP8 matrix that shares a scale.</summary>
    public const int Float8Block = 128;

    /// <summary>Neighbours in a row that share a scale, of 4-bit numbers.</summary>
    public const int MxFloat4Block = 32;

    /// <summary>Float8E4M3: any projection may be FP8. MxFloat4: the routed experts are. Null: everything is plain.</summary>
    public NumberType? Quantized { get; init; }

    /// <summary>Bytes of a tensor; those of its scales apart.</summary>
    public long BytesOf(TensorSpec tensor) => tensor.Storage switch
    {
        TensorStorage.MxFloat4Pairs or TensorStorage.Exponents => tensor.Elements,
        TensorStorage.Scales => tensor.Elements * sizeof(float),
        TensorStorage.Projection when Quantized == NumberType.Float8E4M3 => tensor.Elements,
        _ => tensor.Elements * PlainType.Bytes(),
    };
}

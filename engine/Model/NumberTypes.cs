namespace MegaInfer.Engine.Model;

/// <summary>Facts about <see cref="NumberType"/>.</summary>
public static class NumberTypes
{
    public static int Bytes(this NumberType type) => type == NumberType.Float32 ? 4 : 2;

    /// <summary>The word on the command line: <c>fp32</c>, <c>bf16</c>, <c>fp16</c>.</summary>
    public static string ShortName(this NumberType type) => type switch
    {
        NumberType.Float32 => "fp32",
        NumberType.BFloat16 => "bf16",
        NumberType.Float16 => "fp16",
        NumberType.Float8E4M3 => "fp8",
        NumberType.MxFloat4 => "mxfp4",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Reads <see cref="ShortName"/> back; null if it is none of them.</summary>
    public static NumberType? FromShortName(string name) => name switch
    {
        "fp32" => NumberType.Float32,
        "bf16" => NumberType.BFloat16,
        "fp16" => NumberType.Float16,
        _ => null,
    };
}

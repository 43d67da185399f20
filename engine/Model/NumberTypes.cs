namespace MegaInfer.Engine.Model;

/// <summary>Facts about <see cref="NumberType"/>.</summary>
public static class NumberTypes
{
    /// <summary>Bits of one number, scales apart.</summary>
    public static int Bits(this NumberType type) => type switch
    {
        NumberType.Float32 => 32,
        NumberType.BFloat16 or NumberType.Float16 => 16,
        NumberType.Float8E4M3 => 8,
        NumberType.MxFloat4 => 4,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Bytes of one number; not for <see cref="NumberType.MxFloat4"/>, two of which share one.</summary>
    public static int Bytes(this NumberType type) =>
        type == NumberType.MxFloat4 ? throw new ArgumentOutOfRangeException(nameof(type), "Two 4-bit numbers share a byte.") : type.Bits() / 8;

    /// <summary>Numbers that stand for themselves, without scales beside them.</summary>
    public static bool IsPlain(this NumberType type) => type is NumberType.Float32 or NumberType.BFloat16 or NumberType.Float16;

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

    /// <summary>Reads <see cref="ShortName"/> of a plain type back; null if it is none of them.</summary>
    public static NumberType? FromShortName(string name) => name switch
    {
        "fp32" => NumberType.Float32,
        "bf16" => NumberType.BFloat16,
        "fp16" => NumberType.Float16,
        _ => null,
    };
}

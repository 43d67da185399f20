namespace MegaInfer.Engine.Model;

/// <summary>Facts about <see cref="NumberType"/>.</summary>
public static class NumberTypes
{
    /// <summary>Bits of one number, scales apart.</summary>
    public static int Bits(this NumberType type) => type switch
    {
        NumberType.Float32 => 32,
        NumberType.BFloat16 or NumberType.Float16 => 16,
        NumberType.Float8E4M3 or NumberType.Int8 => 8,
        NumberType.MxFloat4 or NumberType.Int4 => 4,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Bits of one number of a plain or integer type with its share of the fp16 scale of its group: 8.5 and 4.5 for int8 and int4.</summary>
    public static double BitsWithScales(this NumberType type) => type.IsInteger() ? type.Bits() + (16.0 / GroupQuantization.Group) : type.Bits();

    /// <summary>What weights packed as the type take: <c>int8: 8.5 bits a weight</c>, <c>int4: 4.5 bits a weight, 8.5 in the LM head</c>.</summary>
    public static string PackedText(this NumberType type)
    {
        string head = type == type.OfHead() ? "" : FormattableString.Invariant($", {type.OfHead().BitsWithScales()} in the LM head");
        return FormattableString.Invariant($"{type.ShortName()}: {type.BitsWithScales()} bits a weight{head}");
    }

    /// <summary>Bytes of one number; not for those of 4 bits, two of which share one.</summary>
    public static int Bytes(this NumberType type) =>
        type.Bits() < 8 ? throw new ArgumentOutOfRangeException(nameof(type), "Two 4-bit numbers share a byte.") : type.Bits() / 8;

    /// <summary>Numbers that stand for themselves, without scales beside them.</summary>
    public static bool IsPlain(this NumberType type) => type is NumberType.Float32 or NumberType.BFloat16 or NumberType.Float16;

    /// <summary>Made from other types when weights are packed; rows are quantised too when they meet them.</summary>
    public static bool IsInteger(this NumberType type) => type is NumberType.Int8 or NumberType.Int4;

    /// <summary>What the LM head becomes where matrices become <paramref name="type"/>: its every error is a token's, so it has 8 bits where others have 4.</summary>
    public static NumberType OfHead(this NumberType type) => type == NumberType.Int4 ? NumberType.Int8 : type;

    /// <summary>The word on the command line: <c>fp32</c>, <c>bf16</c>, <c>fp16</c>, <c>int8</c>, <c>int4</c>.</summary>
    public static string ShortName(this NumberType type) => type switch
    {
        NumberType.Float32 => "fp32",
        NumberType.BFloat16 => "bf16",
        NumberType.Float16 => "fp16",
        NumberType.Float8E4M3 => "fp8",
        NumberType.MxFloat4 => "mxfp4",
        NumberType.Int8 => "int8",
        NumberType.Int4 => "int4",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Reads <see cref="ShortName"/> of a plain or integer type back; null if it is none of them.</summary>
    public static NumberType? FromShortName(string name) => name switch
    {
        "fp32" => NumberType.Float32,
        "bf16" => NumberType.BFloat16,
        "fp16" => NumberType.Float16,
        "int8" => NumberType.Int8,
        "int4" => NumberType.Int4,
        _ => null,
    };
}

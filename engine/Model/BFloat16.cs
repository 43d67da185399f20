namespace MegaInfer.Engine.Model;

/// <summary>bfloat16 as its 16 bits: the upper half of a float32.</summary>
public static class BFloat16
{
    /// <summary>Exact.</summary>
    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Rounds to nearest, ties to even; NaN stays NaN.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40); // quiet, so that truncating the payload cannot make it an infinity
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The nearest bfloat16 as a float32.</summary>
    public static float Round(float value) => ToSingle(FromSingle(value));
}

namespace MegaInfer.Rl.Pretraining;

/// <summary>bfloat16: the upper half of a float32, rounded to nearest, ties to even.</summary>
internal static class Bfloat16
{
    /// <summary>The 16 bits of the nearest bfloat16 of a finite number.</summary>
    public static ushort BitsOf(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The nearest bfloat16 as a float32.</summary>
    public static float Round(float value) => BitConverter.UInt32BitsToSingle((uint)BitsOf(value) << 16);
}

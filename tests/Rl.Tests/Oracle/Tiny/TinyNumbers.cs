using System.Buffers.Binary;

namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Numbers in the types that published models store.</summary>
internal static class TinyNumbers
{
    // E4M3 from 0 up: eighths of 2^-6, then eight steps to every power of two.
    private static readonly float[] Eights =
        [.. Enumerable.Range(0, 127).Select(bits => bits < 8 ? bits / 512f : (8 + (bits % 8)) * MathF.Pow(2, (bits / 8) - 10))];

    private static readonly float[] Fours = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];

    /// <summary>The largest E4M3 number.</summary>
    public const float LargestEight = 448;

    /// <summary>Values in one of F32, F16 and BF16.</summary>
    public static byte[] Bytes(string type, float[] values)
    {
        int size = type == "F32" ? 4 : 2;
        byte[] bytes = new byte[values.Length * size];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> place = bytes.AsSpan(i * size, size);
            switch (type)
            {
                case "F32":
                    BinaryPrimitives.WriteSingleLittleEndian(place, values[i]);
                    break;
                case "F16":
                    BinaryPrimitives.WriteHalfLittleEndian(place, (Half)values[i]);
                    break;
                case "BF16":
                    BinaryPrimitives.WriteUInt16LittleEndian(place, Sixteen(values[i]));
                    break;
                default:
                    throw new ArgumentException($"{type} needs more than its values.", nameof(type));
            }
        }
        return bytes;
    }

    /// <summary>E4M3 without infinities: sign, 4 bits of exponent with the bias 7, 3 bits of fraction; all ones is not a number.</summary>
    public static float OfEight(byte bits)
    {
        int exponent = (bits >> 3) & 15;
        int fraction = bits & 7;
        double magnitude = (exponent, fraction) switch
        {
            (15, 7) => double.NaN,
            (0, _) => fraction * Math.Pow(2, -9),
            _ => (8 + fraction) * Math.Pow(2, exponent - 10),
        };
        return (float)(bits < 128 ? magnitude : -magnitude);
    }

    /// <summary>The E4M3 number nearest to a value.</summary>
    public static byte Eight(float value) => (byte)(Nearest(Eights, Math.Abs(value)) | (value < 0 ? 0x80 : 0));

    /// <summary>The E2M1 number nearest to a value, in four bits.</summary>
    public static int Four(float value) => Nearest(Fours, Math.Abs(value)) | (value < 0 ? 8 : 0);

    // The upper half of a float32, rounded to nearest, ties to even.
    private static ushort Sixteen(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static int Nearest(float[] ascending, float value)
    {
        int above = Array.BinarySearch(ascending, value);
        if (above >= 0)
            return above;
        above = ~above;
        if (above == 0 || above == ascending.Length)
            return Math.Min(above, ascending.Length - 1);
        return value - ascending[above - 1] <= ascending[above] - value ? above - 1 : above;
    }
}

namespace MegaInfer.Engine.Model;

/// <summary>The numbers that 8-bit and 4-bit codes stand for.</summary>
public static class SmallFloats
{
    private const int GreatestE4M3 = 0x7E;
    private const float LeastWithLeadingOne = 0.015625f;

    private static readonly float[] E4M3 = [.. Enumerable.Range(0, 256).Select(Decode)];

    private static readonly float[] E2M1 = [0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f];

    /// <summary>FP8 E4M3 without infinities: sign, 4 bits of exponent with bias 7, 3 of fraction; 0x7F and 0xFF are NaN.</summary>
    public static float OfE4M3(byte code) => E4M3[code];

    /// <summary>The code of the nearest FP8 E4M3 number, ties to even; what is too great becomes the greatest.</summary>
    public static byte ToE4M3(float value)
    {
        float magnitude = MathF.Abs(value);
        uint bits = BitConverter.SingleToUInt32Bits(magnitude);
        // From 2^-6 on a code is a float's exponent and upper three fraction bits, rebiased; below, it counts steps of 2^-9.
        int code = magnitude < LeastWithLeadingOne
            ? (int)MathF.Round(magnitude * 512, MidpointRounding.ToEven)
            : (int)((bits + 0x7FFFF + ((bits >> 20) & 1)) >> 20) - ((127 - 7) << 3);
        code = Math.Min(code, GreatestE4M3);
        return (byte)(float.IsNegative(value) ? code | 0x80 : code);
    }

    /// <summary>FP4 E2M1: sign, 2 bits of exponent, 1 of fraction; only the lower four bits count.</summary>
    public static float OfE2M1(int code) => E2M1[code & 0xF];

    /// <summary>The power of two that an exponent byte (E8M0) stands for: 2^(code - 127); 0xFF is NaN.</summary>
    public static float OfE8M0(byte code) => code == 0xFF ? float.NaN : MathF.ScaleB(1f, code - 127);

    private static float Decode(int code)
    {
        int exponent = (code >> 3) & 0xF;
        int fraction = code & 0x7;
        float magnitude = (exponent, fraction) switch
        {
            (0xF, 0x7) => float.NaN,
            (0, _) => MathF.ScaleB(fraction, -9), // no leading one below 2^-6
            _ => MathF.ScaleB(8 + fraction, exponent - 10),
        };
        return code >= 0x80 ? -magnitude : magnitude;
    }
}

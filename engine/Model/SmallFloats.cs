namespace MegaInfer.Engine.Model;

/// <summary>The numbers that 8-bit and 4-bit codes stand for.</summary>
public static class SmallFloats
{
    private const int GreatestE4M3 = 0x7E;

    private static readonly float[] E4M3 = [.. Enumerable.Range(0, 256).Select(Decode)];

    private static readonly float[] E2M1 = [0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f];

    /// <summary>FP8 E4M3 without infinities: sign, 4 bits of exponent with bias 7, 3 of fraction; 0x7F and 0xFF are NaN.</summary>
    public static float OfE4M3(byte code) => E4M3[code];

    /// <summary>The code of the nearest FP8 E4M3 number, ties to even; what is too great becomes the greatest.</summary>
    public static byte ToE4M3(float value)
    {
        float magnitude = MathF.Abs(value);
        int code = Array.BinarySearch(E4M3, 0, GreatestE4M3 + 1, magnitude); // ascending without the sign
        if (code < 0)
        {
            int above = Math.Min(~code, GreatestE4M3);
            int below = Math.Max(above - 1, 0);
            float middle = (E4M3[below] + E4M3[above]) / 2;
            code = magnitude < middle || (magnitude == middle && below % 2 == 0) ? below : above;
        }

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

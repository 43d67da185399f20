namespace MegaInfer.Engine.Model;

/// <summary>The numbers that 8-bit and 4-bit codes stand for.</summary>
public static class SmallFloats
{
    private static readonly float[] E4M3 = [.. Enumerable.Range(0, 256).Select(Decode)];

    private static readonly float[] E2M1 = [0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f];

    /// <summary>FP8 E4M3 without infinities: sign, 4 bits of exponent with bias 7, 3 of fraction; 0x7F and 0xFF are NaN.</summary>
    public static float OfE4M3(byte code) => E4M3[code];

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

using System.Numerics;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// exp of float32 as the kernels compute it, step by step (kernels/src/exp_constants.h), so that C# and every kernel backend agree bit for bit. Within one unit in
/// the last place; 0 below the least normal result; the largest power for anything larger; NaN for NaN.
/// </summary>
public static class ExpMath
{
    private const float Most = 88.37626f; // the power of two below stays at most 127
    private const float Least = -87.33654f; // below it the result would be subnormal
    private const uint RoundBits = 0x4B400000;

    // Written as bits where a decimal could be misread: 1.5 * 2^23 pushes the fraction out of a float.
    private static readonly float Log2E = FromBits(0x3FB8AA3B);
    private static readonly float Round = FromBits(RoundBits);
    private static readonly float Ln2High = FromBits(0x3F317218);
    private static readonly float Ln2Low = FromBits(0xB102E308);
    private static readonly float C0 = FromBits(0x3EFFFFFE);
    private static readonly float C1 = FromBits(0x3E2AAA45);
    private static readonly float C2 = FromBits(0x3D2AAC8B);
    private static readonly float C3 = FromBits(0x3C091FE3);
    private static readonly float C4 = FromBits(0x3AB50D39);

    public static float Exp(float x)
    {
        float y = x > Most ? Most : x;
        float t = MathF.FusedMultiplyAdd(y, Log2E, Round);
        float n = t - Round; // y / ln 2, rounded to the nearest integer
        float r = MathF.FusedMultiplyAdd(n, -Ln2High, y);
        r = MathF.FusedMultiplyAdd(n, -Ln2Low, r);
        float q = MathF.FusedMultiplyAdd(C4, r, C3);
        q = MathF.FusedMultiplyAdd(q, r, C2);
        q = MathF.FusedMultiplyAdd(q, r, C1);
        q = MathF.FusedMultiplyAdd(q, r, C0);
        float e = MathF.FusedMultiplyAdd(r * r, q, r) + 1f;
        // The integer is in t's low bits; moved into a float's exponent field it is 2^n.
        float power = FromBits((BitConverter.SingleToUInt32Bits(t) + 127) << 23);
        return x < Least ? 0f : e * power;
    }

    /// <summary>The same for many numbers, the same bits for each.</summary>
    public static void Exp(ReadOnlySpan<float> x, Span<float> result)
    {
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
            Exp(new Vector<float>(x[i..])).CopyTo(result[i..]);
        for (; i < x.Length; i++)
            result[i] = Exp(x[i]);
    }

    private static Vector<float> Exp(Vector<float> x)
    {
        var round = new Vector<float>(Round);
        Vector<float> y = Vector.ConditionalSelect(Vector.GreaterThan(x, new Vector<float>(Most)), new Vector<float>(Most), x);
        Vector<float> t = Vector.FusedMultiplyAdd(y, new Vector<float>(Log2E), round);
        Vector<float> n = t - round;
        Vector<float> r = Vector.FusedMultiplyAdd(n, new Vector<float>(-Ln2High), y);
        r = Vector.FusedMultiplyAdd(n, new Vector<float>(-Ln2Low), r);
        Vector<float> q = Vector.FusedMultiplyAdd(new Vector<float>(C4), r, new Vector<float>(C3));
        q = Vector.FusedMultiplyAdd(q, r, new Vector<float>(C2));
        q = Vector.FusedMultiplyAdd(q, r, new Vector<float>(C1));
        q = Vector.FusedMultiplyAdd(q, r, new Vector<float>(C0));
        Vector<float> e = Vector.FusedMultiplyAdd(r * r, q, r) + Vector<float>.One;
        Vector<float> power = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.AsVectorInt32(t) + new Vector<int>(127), 23));
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(Least)), Vector<float>.Zero, e * power);
    }

    private static float FromBits(uint bits) => BitConverter.UInt32BitsToSingle(bits);
}

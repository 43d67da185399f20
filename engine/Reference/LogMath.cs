namespace MegaInfer.Engine.Reference;

/// <summary>
/// log in double from basic operations only, as the kernels compute it (kernels/src/log_of_sum.cpp): the C library's own may differ between CPUs.
/// </summary>
internal static class LogMath
{
    private const double Ln2High = 0.693147180559945286226764; // the double nearest ln 2
    private const double Ln2Low = 2.319046813846299558417771e-17; // and what it leaves
    private const double SqrtHalf = 0.707106781186547572737310929369;

    /// <summary>maximum + ln(sum), where sum is at least 1 and below 2^33, or NaN.</summary>
    public static double LogOfSum(float maximum, double sum)
    {
        if (!(sum >= 1.0))
            return sum + maximum;
        ulong bits = BitConverter.DoubleToUInt64Bits(sum);
        double exponent = (long)(bits >> 52) - 1022;
        double mantissa = BitConverter.UInt64BitsToDouble((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FE0_0000_0000_0000); // [0.5, 1)
        if (mantissa < SqrtHalf)
        {
            mantissa *= 2.0;
            exponent -= 1.0;
        }

        double fraction = Math.FusedMultiplyAdd(exponent, Ln2Low, LogNearOne(mantissa));
        return maximum + Math.FusedMultiplyAdd(exponent, Ln2High, fraction);
    }

    /// <summary>ln m for m in [sqrt(1/2), sqrt(2)): 2 atanh(z) with z = (m - 1) / (m + 1), as its series.</summary>
    private static double LogNearOne(double m)
    {
        double z = (m - 1.0) / (m + 1.0);
        double w = z * z;
        double series = 0.0;
        for (int n = 23; n >= 3; n -= 2)
            series = Math.FusedMultiplyAdd(series, w, 1.0 / n);
        return 2.0 * Math.FusedMultiplyAdd(z * w, series, z);
    }
}

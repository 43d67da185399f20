using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The eight- and four-bit numbers of published models, widened to float32.</summary>
internal static class OracleNumbers
{
    private static readonly float[] Fours = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>E4M3 without infinities: sign, 4 bits of exponent with the bias 7, 3 bits of fraction; all ones is not a number.</summary>
    public static float Eight(byte bits)
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

    /// <summary>Each block of the matrix times its scale; blocks at the right and lower edges may be smaller.</summary>
    public static torch.Tensor Scaled(torch.Tensor matrix, torch.Tensor scales, int blockRows, int blockColumns)
    {
        torch.Tensor wide = scales.repeat_interleave(blockRows, dim: 0).repeat_interleave(blockColumns, dim: 1);
        return matrix.mul(wide.narrow(0, 0, matrix.shape[0]).narrow(1, 0, matrix.shape[1]));
    }

    /// <summary>
    /// MXFP4: blocks [..., blocks, 16] of bytes with two E2M1 numbers each, scales [..., blocks] with an exponent of the bias 127 -> [..., blocks * 32]
    /// </summary>
    public static torch.Tensor Unpacked(byte[] blocks, byte[] scales, long[] blockShape, bool lowComesFirst)
    {
        float[] numbers = new float[blocks.Length * 2];
        for (int i = 0; i < blocks.Length; i++)
        {
            double scale = Math.Pow(2, scales[i / 16] - 127);
            (int first, int second) = lowComesFirst ? (blocks[i] & 15, blocks[i] >> 4) : (blocks[i] >> 4, blocks[i] & 15);
            numbers[2 * i] = (float)(Fours[first] * scale);
            numbers[(2 * i) + 1] = (float)(Fours[second] * scale);
        }
        return torch.from_array(numbers).view([.. blockShape[..^2], blockShape[^2] * 32]);
    }
}

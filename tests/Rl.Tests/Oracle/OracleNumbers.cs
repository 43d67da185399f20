using MegaInfer.Rl.Tests.Oracle.Tiny;
using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The eight- and four-bit numbers of published models, widened to float32.</summary>
internal static class OracleNumbers
{
    private static readonly float[] Fours = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>E4M3 without infinities.</summary>
    public static float Eight(byte bits) => TinyNumbers.OfEight(bits);

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

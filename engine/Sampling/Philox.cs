namespace MegaInfer.Engine.Sampling;

/// <summary>
/// Philox4x32-10: a counter-based generator, so a draw is a pure function of its key and its place, and needs no state to survive batching, preemption or replay.
/// </summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>A number in [0, 1) with 53 random bits, for one draw of one sample at one absolute position.</summary>
    public static double Uniform(ulong seed, int sampleIndex, long position, int draw)
    {
        (uint low, uint high, _, _) = Block((uint)position, (uint)(position >> 32), (uint)sampleIndex, (uint)draw, (uint)seed, (uint)(seed >> 32));
        ulong bits = ((ulong)high << 32) | low;
        return (bits >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The generator itself: four words of counter and two of key to four random words.</summary>
    internal static (uint W0, uint W1, uint W2, uint W3) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0;
            ulong product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }
}

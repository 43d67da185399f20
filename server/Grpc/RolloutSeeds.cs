namespace MegaInfer.Server.Grpc;

/// <summary>The seed of each sample of a rollout, from the run's: a fixed function, so that any sample can be drawn again alone.</summary>
internal static class RolloutSeeds
{
    /// <summary>Three rounds of SplitMix64's finalizer, one for each input: a permutation in each of them.</summary>
    public static ulong Derive(ulong runSeed, int promptIndex, int sampleIndex) =>
        Mix(Mix(Mix(runSeed) ^ (uint)promptIndex) ^ (uint)sampleIndex);

    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}

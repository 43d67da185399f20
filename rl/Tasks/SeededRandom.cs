namespace MegaInfer.Rl.Tasks;

/// <summary>
/// SplitMix64: a small generator whose stream is fixed by its seed on every platform and runtime version, so that recorded seeds
/// keep their meaning. Not thread safe; each owner makes its own.
/// </summary>
public sealed class SeededRandom
{
    private ulong _state;

    /// <summary>Starts the stream of <paramref name="seed"/> and <paramref name="stream"/>; distinct pairs give unrelated streams.</summary>
    public SeededRandom(ulong seed, ulong stream = 0) => _state = Mix(Mix(seed) ^ (stream * 0xd1342543de82ef95));

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits() => Mix(_state += 0x9e3779b97f4a7c15);

    /// <summary>A uniform integer of [<paramref name="low"/>, <paramref name="high"/>].</summary>
    public int Between(int low, int high) => low + (int)(NextBits() % (ulong)(high - low + 1));

    /// <summary>A uniform real number of [0, 1).</summary>
    public double NextUnit() => (NextBits() >> 11) * (1.0 / (1ul << 53));

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => NextUnit() < probability;

    /// <summary>A uniform element of a non-empty list.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Between(0, items.Count - 1)];

    /// <summary>A normally distributed number of mean 0 and deviation 1 (Box and Muller).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextUnit())) * Math.Cos(2 * Math.PI * NextUnit());

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}

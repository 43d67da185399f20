using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// A quick hash of short byte strings. Its seed differs between processes, so that no file can be made whose tokens all
/// collide.
/// </summary>
internal static class ByteHash
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    // HashCode carries the runtime's random seed.
    private static readonly ulong Seed = (ulong)(uint)HashCode.Combine(1) << 32 | (uint)HashCode.Combine(2);

    // Optimised at once: loading calls it a million times before the JIT would get around to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Compute(ReadOnlySpan<byte> bytes)
    {
        ulong hash = Seed ^ (ulong)bytes.Length;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        ulong tail = 0;
        foreach (byte b in bytes)
            tail = tail << 8 | b;
        return (int)Mix(hash ^ tail);
    }

    private static ulong Mix(ulong value)
    {
        value *= Multiplier;
        return value ^ value >> 32;
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MegaInfer.Server.Hosting;

/// <summary>Seeds and ids that nobody gave. The source of bits is an input, so that tests repeat. Any thread, if the source allows it.</summary>
/// <param name="draw">64 fresh bits.</param>
internal sealed class IdentitySource(Func<ulong> draw)
{
    // JSON readers keep integers exactly up to 2^53.
    private const int SeedBits = 53;

    /// <summary>From the system's generator.</summary>
    public static IdentitySource System { get; } = new(() =>
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    });

    /// <summary>For a request without a seed.</summary>
    public ulong NextSeed() => draw() >> (64 - SeedBits);

    /// <summary>For a request without an id: 32 hexadecimal digits.</summary>
    public string NextRequestId() => $"{draw():x16}{draw():x16}";
}

namespace MegaInfer.Kernels;

/// <summary>Bytes of native memory, which may be more than a span holds.</summary>
internal readonly unsafe struct ReadOnlyMemoryBlock(byte* start, long bytes)
{
    private const int MostOfSpan = 16 << 20;

    public long Bytes => bytes;

    /// <summary>The bytes in order, in spans.</summary>
    public void ForEachSpan(SpanAction action)
    {
        for (long at = 0; at < bytes; at += MostOfSpan)
            action(at, new ReadOnlySpan<byte>(start + at, (int)Math.Min(MostOfSpan, bytes - at)));
    }

    internal delegate void SpanAction(long offset, ReadOnlySpan<byte> span);
}

namespace MegaInfer.Engine.Tests.Fuzzing;

/// <summary>What reading one input may cost.</summary>
/// <param name="FixedBytes">Allocation that any input may cause, however small.</param>
/// <param name="BytesPerByte">Allocation for each byte of the input.</param>
internal sealed record FuzzBounds(long FixedBytes, long BytesPerByte)
{
    /// <summary>Reading takes no longer. What does, is tried again: the machine may have been busy.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Past this, it hangs.</summary>
    public TimeSpan Hang { get; init; } = TimeSpan.FromSeconds(60);

    public long Allocation(int inputBytes) => FixedBytes + inputBytes * BytesPerByte;
}

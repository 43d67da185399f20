using System.Runtime.InteropServices;

namespace MegaInfer.M2N;

/// <summary>How a receiver gathers pieces of several senders into one batch; the layout of <c>m2n_gather</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct GatherWindow
{
    private readonly uint _tagCount;
    private readonly uint _windowUs;
    private readonly uint _maxPairs;
    private readonly uint _reserved;

    /// <param name="tagCount">Tags (layers) are 0..tagCount-1 and are served in cyclic order.</param>
    /// <param name="windowUs">The most a piece waits for in-phase senders, microseconds; 0 for not at all.</param>
    /// <param name="maxPairs">The most pairs a batch holds; a single piece always fits.</param>
    public GatherWindow(int tagCount, int windowUs, int maxPairs)
    {
        _tagCount = (uint)tagCount;
        _windowUs = (uint)windowUs;
        _maxPairs = (uint)maxPairs;
        _reserved = 0;
    }

    public int TagCount => (int)_tagCount;

    public int WindowUs => (int)_windowUs;

    public int MaxPairs => (int)_maxPairs;
}

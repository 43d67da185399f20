using MegaInfer.Bench.Load;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Decode;

/// <summary>Something whose decode and prefill speed can be measured, again and again. One measurement at a time; between measurements it leaves the cores alone.</summary>
internal interface IDecodeEngine
{
    /// <summary>As reports name it.</summary>
    string Name { get; }

    /// <summary>0: not ours, or chosen by measured speed.</summary>
    int MicroBatches { get; }

    /// <exception cref="MegaInferException">A sequence failed, or nothing could be measured.</exception>
    Task<Measured> DecodeAsync(DecodeShape shape, CancellationToken cancel);

    /// <summary>One prompt that nobody has seen before.</summary>
    Task<Measured> PrefillAsync(int tokens, CancellationToken cancel);
}

using MegaInfer.Bench.Load;
using MegaInfer.Bench.Rivals;

namespace MegaInfer.Bench.Decode;

/// <summary>A rival's own benchmark on a copy of the same weights.</summary>
internal sealed class RivalEngine(RivalBuild build, string gguf, int threads) : IDecodeEngine
{
    public string Name => build.Engine;

    public int MicroBatches => 0;

    public async Task<Measured> DecodeAsync(DecodeShape shape, CancellationToken cancel) =>
        Of(await build.DecodeAsync(gguf, shape.Batch, shape.PromptLength, shape.GenerateLength, threads, cancel));

    public async Task<Measured> PrefillAsync(int tokens, CancellationToken cancel) => Of(await build.PrefillAsync(gguf, tokens, threads, cancel));

    private static Measured Of(RivalMeasurement measurement) => new(measurement.TokensPerSecond, measurement.OthersShare);
}

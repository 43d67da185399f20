using MegaInfer.Bench.Machine;

namespace MegaInfer.Bench.Decode;

/// <summary>
/// Measures several engines in turn, round after round, so that all of them see the same machine, and keeps each one's best undisturbed round. The machine's limits
/// are measured in every round too, and the best of them counts.
/// </summary>
internal sealed class Rounds(IReadOnlyList<IDecodeEngine> engines, int count, Func<MachineLimits> measureLimits)
{
    /// <summary>How often an engine that was always disturbed is measured again.</summary>
    internal const int MoreTries = 3;

    /// <summary>Each engine's best, in their order; null where every round was disturbed. And what the machine could do meanwhile.</summary>
    internal async Task<(IReadOnlyList<Measured?> Best, MachineLimits Limits)> RunAsync(
        Func<IDecodeEngine, Task<Measured>> measure, Action<IDecodeEngine, Measured> progress, CancellationToken cancel)
    {
        var best = new Measured?[engines.Count];
        MachineLimits limits = default;
        for (int round = 0; round < count + MoreTries && (round < count || best.Contains(null)); round++)
        {
            limits = limits.BestOf(measureLimits());
            for (int i = 0; i < engines.Count; i++)
            {
                cancel.ThrowIfCancellationRequested();
                if (round >= count && best[i] is not null)
                    continue;
                Measured measured = await measure(engines[i]);
                progress(engines[i], measured);
                if (measured.IsUndisturbed && !(best[i]?.TokensPerSecond > measured.TokensPerSecond))
                    best[i] = measured;
            }
        }

        return (best, limits);
    }
}

using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;

namespace MegaInfer.Bench.Decode;

/// <summary>Measures a plan with several engines and puts each number beside its floor.</summary>
internal sealed class DecodeRun(DecodePlan plan, IReadOnlyList<IDecodeEngine> engines)
{
    private readonly List<DecodeRow> _rows = [];
    private readonly List<string> _refusals = [];
    private MachineLimits _limits;

    /// <summary>What could not be reported, a sentence each.</summary>
    internal IReadOnlyList<string> Refusals => _refusals;

    internal async Task<Report<DecodeRow>> MeasureAsync(CancellationToken cancel)
    {
        foreach (int batch in plan.Batches)
            await MeasureBatchAsync(batch, cancel);
        foreach (int prompt in plan.Prompts)
            await MeasurePromptAsync(prompt, cancel);
        return new Report<DecodeRow>(MachineInfo.Of(plan.Threads, _limits) with { Gpu = plan.DeviceLimits is null ? null : engines.OfType<LocalEngine>().FirstOrDefault()?.Gpu ?? "of the nodes" }, _rows);
    }

    private async Task MeasureBatchAsync(int batch, CancellationToken cancel)
    {
        var shape = new DecodeShape(batch, plan.PromptLength, plan.GenerateLength);
        (IReadOnlyList<Measured?> best, MachineInfo machine) = await RoundsAsync($"decode {batch}", engine => engine.DecodeAsync(shape, cancel), cancel);
        int expertLayers = plan.Checkpoint.Spec.Layers.Count(layer => !layer.IsDense);
        // What is routed where is the same for every number of nodes and micro-batches, but one micro-batch reads each expert once.
        ServedEngine? counter = engines.OfType<ServedEngine>().OrderByDescending(engine => engine.MicroBatches == 1).FirstOrDefault();
        StepCounts counts = counter is null ? default : await counter.CountAsync(shape, expertLayers, cancel);
        double reads = counter is { MicroBatches: 1 } ? counts.ReadsPerLayer : ReadsOfOneMicroBatch(best);
        double even = StepFloor.EvenExperts(plan.Checkpoint.Spec.Router, batch);
        // Steps that still held a prompt's end blur the count a little; no layer has more experts than it has.
        double touched = reads > 0 ? Math.Min(reads, plan.Checkpoint.Spec.Router.ExpertCount) : even;
        var floor = StepFloor.Of(plan.Checkpoint.Spec, plan.WeightTypes, plan.KvType, batch, plan.PromptLength + (plan.GenerateLength / 2), touched);
        AddRows(best, (engine, measured) => Row(engine, measured, floor, machine, "decode", batch) with
        {
            ExpertsTouchedPerLayer = Math.Round(touched, 2),
            EvenExpertsPerLayer = Math.Round(even, 2),
            RowsPerExpertGemm = engine == counter ? Math.Round(counts.RowsPerGemm, 2) : engine is LocalEngine ? Math.Round(measured.RowsPerExpertGemm, 2) : null,
            ExpertWaitShare = engine == counter ? Math.Round(counts.WaitShare, 3) : null,
            PlanShare = engine == counter ? Math.Round(counts.PlanShare, 4) : null,
            HeadShare = engine == counter ? Math.Round(counts.HeadShare, 3) : null,
            AllocatedBytesPerStep = engine == counter ? Math.Round(counts.AllocatedBytes) : null,
            Collections = engine == counter ? counts.Collections : null,
            PromptLen = plan.PromptLength,
            GenLen = plan.GenerateLength,
        });
    }

    // Of nodes in this process, which count as they go; 0: none of them was measured.
    private double ReadsOfOneMicroBatch(IReadOnlyList<Measured?> best) =>
        best.Where((_, i) => engines[i] is LocalEngine { MicroBatches: 1 }).Max(measured => measured?.ExpertReadsPerLayer) ?? 0;

    private async Task MeasurePromptAsync(int tokens, CancellationToken cancel)
    {
        (IReadOnlyList<Measured?> best, MachineInfo machine) = await RoundsAsync($"prefill {tokens}", engine => engine.PrefillAsync(tokens, cancel), cancel);
        var floor = StepFloor.OfPrompt(plan.Checkpoint.Spec, plan.WeightTypes, plan.KvType, tokens);
        double even = Math.Round(StepFloor.EvenExperts(plan.Checkpoint.Spec.Router, tokens), 2);
        AddRows(best, (engine, measured) => Row(engine, measured, floor, machine, "prefill", tokens) with
        {
            Batch = 1,
            ExpertsTouchedPerLayer = even,
            EvenExpertsPerLayer = even,
            PromptLen = tokens,
        });
    }

    private async Task<(IReadOnlyList<Measured?> Best, MachineInfo Machine)> RoundsAsync(
        string work, Func<IDecodeEngine, Task<Measured>> measure, CancellationToken cancel)
    {
        var rounds = new Rounds(engines, plan.Rounds, () => plan.DeviceLimits ?? MachineLimits.Measure(plan.Threads));
        (IReadOnlyList<Measured?> best, MachineLimits limits) = await rounds.RunAsync(measure, Tell, cancel);
        _limits = _limits.BestOf(limits);
        for (int i = 0; i < engines.Count; i++)
        {
            if (best[i] is null)
                _refusals.Add(Measured.NotReported($"{engines[i].Name}, {work}"));
        }

        return (best, MachineInfo.Of(plan.Threads, limits));

        void Tell(IDecodeEngine engine, Measured measured) =>
            Console.Error.WriteLine($"{work}: {engine.Name} {measured.TokensPerSecond:0.0} tok/s, others {measured.OthersShare:0.000}{(measured.IsUndisturbed ? "" : " (disturbed)")}");
    }

    private void AddRows(IReadOnlyList<Measured?> best, Func<IDecodeEngine, Measured, DecodeRow> row)
    {
        double? rival = best.Where((_, i) => engines[i] is RivalEngine).Max(measured => measured?.TokensPerSecond);
        for (int i = 0; i < engines.Count; i++)
        {
            if (best[i] is not { } measured)
                continue;
            double? ratio = engines[i] is RivalEngine || rival is null ? null : Math.Round(measured.TokensPerSecond / rival.Value, 3);
            _rows.Add(row(engines[i], measured) with { RivalRatio = ratio });
        }
    }

    private DecodeRow Row(IDecodeEngine engine, Measured measured, StepFloor floor, MachineInfo machine, string work, int tokens)
    {
        double floorTokens = 1e3 * tokens / floor.StepMs(machine);
        bool isOurs = engine is not RivalEngine;
        return new DecodeRow
        {
            Engine = engine.Name,
            Work = work,
            Model = plan.ModelName,
            Dtype = isOurs ? plan.WeightTypes.ShortName : plan.RivalType,
            Batch = tokens,
            TokensPerS = Math.Round(measured.TokensPerSecond, 2),
            FloorTokensPerS = Math.Round(floorTokens, 2),
            NoOverlapTokensPerS = Math.Round(1e3 * tokens / floor.NoOverlapMs(machine), 2),
            Ratio = Math.Round(measured.TokensPerSecond / floorTokens, 3),
            StepMs = Math.Round(1e3 * tokens / measured.TokensPerSecond, 3),
            MemoryFloorMs = Math.Round(floor.MemoryMs(machine), 3),
            ComputeFloorMs = Math.Round(floor.ComputeMs(machine), 3),
            MbPerStep = Math.Round(floor.Bytes / 1e6, 1),
            GflopPerStep = Math.Round(floor.Flops / 1e9, 3),
            ExpertsTouchedPerLayer = 0,
            EvenExpertsPerLayer = 0,
            PromptLen = 0,
            GenLen = 0,
            MicroBatches = engine.MicroBatches,
            Threads = plan.Threads,
            OthersShare = Math.Round(measured.OthersShare, 4),
            TaUs = isOurs && work == "decode" ? Math.Round(measured.Stages.AttentionUs, 1) : null,
            TeUs = isOurs && work == "decode" ? Math.Round(measured.Stages.ExpertUs, 1) : null,
        };
    }
}

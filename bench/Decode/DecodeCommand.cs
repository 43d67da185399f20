using System.CommandLine;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;
using MegaInfer.Bench.Rivals;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Bench.Decode;

/// <summary><c>decode</c>: tokens per second of batches that decode and of prompts, by real processes, beside the floor and beside rivals in the same run.</summary>
internal sealed class DecodeCommand
{
    private static readonly IReadOnlyList<Column<DecodeRow>> Columns =
    [
        new("work", row => row.Work == "prefill" ? $"prefill {row.PromptLen}" : $"decode {row.Batch}"),
        new("engine", row => row.Engine),
        new("m", row => row.MicroBatchText),
        new("tok/s", row => $"{row.TokensPerS:0.0}"),
        new("floor", row => $"{row.FloorTokensPerS:0}"),
        new("no overlap", row => $"{row.NoOverlapTokensPerS:0}"),
        new("/ floor", row => $"{row.Ratio:0.00}"),
        new("/ rival", row => row.RivalRatio is { } ratio ? $"{ratio:0.00}" : ""),
        new("step ms", row => $"{row.StepMs:0.00}"),
        new("memory ms", row => $"{row.MemoryFloorMs:0.00}"),
        new("compute ms", row => $"{row.ComputeFloorMs:0.00}"),
        new("MB/step", row => $"{row.MbPerStep:0}"),
        new("GFLOP/step", row => $"{row.GflopPerStep:0.00}"),
        new("experts (even)", row => $"{row.ExpertsTouchedPerLayer:0.0} ({row.EvenExpertsPerLayer:0.0})"),
        new("rows/GEMM", row => row.RowsPerExpertGemm is { } rows ? $"{rows:0.0}" : ""),
        new("Ta us", row => row.TaUs is { } time ? $"{time:0}" : ""),
        new("Te us", row => row.TeUs is { } time ? $"{time:0}" : ""),
        new("wait / plan / head %", row => row.ExpertWaitShare is null ? "" : $"{100 * row.ExpertWaitShare:0.0} / {100 * row.PlanShare:0.00} / {100 * row.HeadShare:0.0}"),
        new("B/step (GCs)", row => row.AllocatedBytesPerStep is null ? "" : $"{row.AllocatedBytesPerStep:0} ({row.Collections:0})"),
    ];

    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<string> _batch = new("--batch") { Description = "Batch sizes; none: no decode rows.", DefaultValueFactory = _ => "1,4,16,32,64" };
    private readonly Option<string> _prefill = new("--prefill") { Description = "Prompt lengths whose speed is measured too.", DefaultValueFactory = _ => "none" };
    private readonly Option<int> _promptLength = new("--prompt-len") { Description = "Tokens of each prompt of a batch.", DefaultValueFactory = _ => 128 };
    private readonly Option<int> _generateLength = new("--gen-len") { Description = "Tokens that each sequence generates.", DefaultValueFactory = _ => 48 };
    private readonly Option<int> _attentionNodes = new("--attention-nodes") { Description = "Attention nodes.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _expertNodes = new("--expert-nodes") { Description = "Expert nodes.", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _microBatches = new("--micro-batches") { Description = "auto or 1..4, or a list of these: a server for each.", DefaultValueFactory = _ => "auto" };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of each node and of rivals; 0: one per core.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _rounds = new("--rounds") { Description = "Rounds, of which each engine's best undisturbed one counts.", DefaultValueFactory = _ => 3 };
    private readonly Option<string> _inProcess = new("--in-process") { Description = "Measure the nodes as threads of one process too, or only so.", HelpName = "no|too|only", DefaultValueFactory = _ => "no" };
    private readonly Option<double> _readRate = new("--read-gb-s") { Description = "With --backend cuda: what the GPU reads, GB/s, as bench/gpu/run.sh measures it. For the floors." };
    private readonly Option<double> _flopRate = new("--tflops") { Description = "With --backend cuda: its products of bf16, TFLOP/s, as bench/gpu/run.sh measures them." };
    private readonly Option<string[]> _rivals = new("--rival-bin") { Description = "Folder with a build of llama.cpp or ik_llama.cpp; may be given several times.", HelpName = "DIR" };
    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("decode", "Tokens per second of decoding batches and of prompts, beside the floor and beside rivals.")
        {
            _model, _batch, _prefill, _promptLength, _generateLength, _attentionNodes, _expertNodes, _microBatches, _threads, _rounds, _inProcess, _readRate, _flopRate, _rivals,
        };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        IReadOnlyList<int> batches = List("--batch", parsed.GetRequiredValue(_batch));
        IReadOnlyList<int> prompts = List("--prefill", parsed.GetRequiredValue(_prefill));
        int[] microBatchCounts = [.. MicroBatchCounts(parsed.GetRequiredValue(_microBatches))];
        using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
        var plan = new DecodePlan
        {
            Checkpoint = checkpoint,
            Folder = parsed.GetRequiredValue(_model),
            Threads = parsed.GetValue(_threads) > 0 ? parsed.GetValue(_threads) : Environment.ProcessorCount,
            Rounds = AtLeastOne("--rounds", parsed.GetValue(_rounds)),
            Batches = batches,
            Prompts = prompts,
            PromptLength = AtLeastOne("--prompt-len", parsed.GetValue(_promptLength)),
            GenerateLength = AtLeastOne("--gen-len", parsed.GetValue(_generateLength)),
            Local = _cluster.Read(parsed, parsed.GetRequiredValue(_model)),
            DeviceLimits = DeviceLimits(parsed),
        };
        plan.Check();
        RivalBuild[] rivals = [.. (parsed.GetValue(_rivals) ?? []).Select(RivalBuild.Open)];
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        await using var engines = new DecodeEngines();
        (bool isServed, bool isLocal) = Processes(parsed.GetRequiredValue(_inProcess));
        foreach (int microBatches in isServed ? microBatchCounts : [])
            await engines.AddServedAsync(ServeArguments(parsed, plan), microBatches, plan.Checkpoint.Spec.VocabularySize, cancel);
        IEnumerable<int> localCounts = !isLocal ? [] : isServed ? [1] : microBatchCounts;
        foreach (int microBatches in localCounts)
            engines.AddLocal(plan.LocalOptions() with { MicroBatches = microBatches });
        foreach (RivalBuild rival in rivals)
        {
            string gguf = await GgufExport.EnsureAsync(plan.Folder, plan.RivalType, rival, new Progress<string>(Console.Error.WriteLine), cancel);
            engines.Add(new RivalEngine(rival, gguf, plan.Threads));
            if (rival.DecodeCaveat is { } caveat)
                await Console.Error.WriteLineAsync($"{rival.Engine}: {caveat}.");
        }

        var run = new DecodeRun(plan, engines.All);
        Report<DecodeRow> report = await run.MeasureAsync(cancel);
        await _report.WriteAsync(parsed, $"decode, {plan.ModelName}", report, Columns);
        if (_report.JsonFile(parsed) is { } json)
            await DecodeChart.WriteAsync(Path.ChangeExtension(json, ".svg"), report.Rows);
        foreach (string refusal in run.Refusals)
            await Console.Error.WriteLineAsync(refusal);
        return run.Refusals.Count == 0 ? 0 : 1;
    }

    private IEnumerable<string> ServeArguments(ParseResult parsed, DecodePlan plan) =>
    [
        "--model", plan.Folder,
        "--attention-nodes", $"{AtLeastOne("--attention-nodes", parsed.GetValue(_attentionNodes))}",
        "--expert-nodes", $"{AtLeastOne("--expert-nodes", parsed.GetValue(_expertNodes))}",
        "--threads", $"{plan.Threads}",
        "--max-sequences", $"{plan.MaxSequences}",
        "--max-step-rows", $"{plan.MaxStepRows}",
        .. _cluster.ServeArguments(parsed),
    ];

    private static (bool IsServed, bool IsLocal) Processes(string inProcess) => inProcess switch
    {
        "no" => (true, false),
        "too" => (true, true),
        "only" => (false, true),
        _ => throw new MegaInferException($"--in-process is no, too or only, not '{inProcess}'."),
    };

    private MachineLimits? DeviceLimits(ParseResult parsed)
    {
        double read = parsed.GetValue(_readRate), flops = parsed.GetValue(_flopRate);
        if (!_cluster.IsDevice(parsed))
            return read == 0 && flops == 0 ? null : throw new MegaInferException("--read-gb-s and --tflops are a GPU's; give --backend cuda with them.");
        return read > 0 && flops > 0
            ? new MachineLimits(read * 1e9, flops * 1e12)
            : throw new MegaInferException("A GPU's limits are not measured here; give --read-gb-s and --tflops as bench/gpu/run.sh measures them.");
    }

    private static IReadOnlyList<int> List(string option, string text) => text == "none" ? [] : ClusterOptions.ParseList(option, text);

    private static IEnumerable<int> MicroBatchCounts(string text) => text.Split(',').Select(part => part switch
    {
        "auto" => 0,
        "1" or "2" or "3" or "4" => int.Parse(part),
        _ => throw new MegaInferException($"'{text}' is not a list for --micro-batches; write auto, 1..4, or such as 1,2,auto."),
    });

    private static int AtLeastOne(string option, int value) => value >= 1 ? value : throw new MegaInferException($"{option} {value} is too few; use at least 1.");
}

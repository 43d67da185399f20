using System.CommandLine;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Decode;

/// <summary><c>decode</c>: tokens per second of a batch that decodes, beside the floor of the same step on the same machine.</summary>
internal sealed class DecodeCommand
{
    private static readonly IReadOnlyList<Column<DecodeRow>> Columns =
    [
        new("batch", row => $"{row.Batch}"),
        new("tok/s", row => $"{row.TokensPerS:0.0}"),
        new("floor tok/s", row => $"{row.FloorTokensPerS:0}"),
        new("ratio", row => $"{row.Ratio:0.00}"),
        new("step ms", row => $"{row.StepMs:0.00}"),
        new("memory floor ms", row => $"{row.MemoryFloorMs:0.00}"),
        new("compute floor ms", row => $"{row.ComputeFloorMs:0.00}"),
        new("MB/step", row => $"{row.MbPerStep:0}"),
        new("GFLOP/step", row => $"{row.GflopPerStep:0.00}"),
        new("experts/layer", row => $"{row.ExpertsTouchedPerLayer:0.0}"),
        new("reads/layer", row => $"{row.ExpertReadsPerLayer:0.0}"),
        new("rows/GEMM", row => $"{row.RowsPerExpertGemm:0.0}"),
        new("Ta us", row => $"{row.TaUs:0}"),
        new("Te us", row => $"{row.TeUs:0}"),
    ];

    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<string> _batch = new("--batch") { Description = "Batch sizes.", DefaultValueFactory = _ => "1,4,16,32,64" };
    private readonly Option<int> _promptLength = new("--prompt-len") { Description = "Tokens of each prompt.", DefaultValueFactory = _ => 128 };
    private readonly Option<int> _generateLength = new("--gen-len") { Description = "Tokens that each sequence generates.", DefaultValueFactory = _ => 64 };
    private readonly Option<int> _attentionNodes = new("--attention-nodes") { Description = "Attention nodes.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _expertNodes = new("--expert-nodes") { Description = "Expert nodes.", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _microBatches = new("--micro-batches") { Description = "auto or 1..4.", DefaultValueFactory = _ => "1" };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of each node; 0: one per core.", DefaultValueFactory = _ => 0 };
    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        _microBatches.AcceptOnlyFromAmong("auto", "1", "2", "3", "4");
        var command = new Command("decode", "Tokens per second of decoding batches, beside the floor.")
        {
            _model, _batch, _promptLength, _generateLength, _attentionNodes, _expertNodes, _microBatches, _threads,
        };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        IReadOnlyList<int> batches = ClusterOptions.ParseList("--batch", parsed.GetRequiredValue(_batch));
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        int threads = parsed.GetValue(_threads) > 0 ? parsed.GetValue(_threads) : Environment.ProcessorCount;
        MachineInfo machine = MachineInfo.Measure(threads);
        var rows = new List<DecodeRow>();
        LocalClusterOptions options = Options(parsed, batches.Max(), threads);
        await using (LocalCluster cluster = LocalCluster.Start(options))
        {
            var load = new DecodeLoad(cluster);
            await load.RunAsync(new DecodeShape(1, 8, 8));
            foreach (int batch in batches)
            {
                cancel.ThrowIfCancellationRequested();
                var shape = new DecodeShape(batch, parsed.GetValue(_promptLength), parsed.GetValue(_generateLength));
                rows.Add(Row(await load.RunAsync(shape), shape, cluster, options, machine));
            }
        }

        await _report.WriteAsync(parsed, $"decode, {ModelName(options.ModelFolder)}", new Report<DecodeRow>(machine, rows), Columns);
        return 0;
    }

    private LocalClusterOptions Options(ParseResult parsed, int largestBatch, int threads)
    {
        string microBatches = parsed.GetRequiredValue(_microBatches);
        int attentionNodes = AtLeastOne("--attention-nodes", parsed.GetValue(_attentionNodes));
        return _cluster.Read(parsed, parsed.GetRequiredValue(_model)) with
        {
            AttentionNodes = attentionNodes,
            ExpertNodes = AtLeastOne("--expert-nodes", parsed.GetValue(_expertNodes)),
            MicroBatches = microBatches == "auto" ? 0 : int.Parse(microBatches),
            AttentionThreads = threads,
            ExpertThreads = threads,
            MaxSequences = largestBatch,
            MaxStepRows = Math.Max(512, largestBatch),
        };
    }

    private static DecodeRow Row(DecodeMeasurement measured, DecodeShape shape, LocalCluster cluster, LocalClusterOptions options, MachineInfo machine)
    {
        // One attention node and one micro-batch read each touched expert once; otherwise some are read again and the even router's mean stands in.
        bool isExact = options.AttentionNodes == 1 && options.MicroBatches == 1;
        double touched = isExact
            ? measured.ExpertReadsPerLayer
            : Math.Min(measured.ExpertReadsPerLayer, StepFloor.EvenExperts(cluster.Spec.Router, shape.Batch));
        StepFloor floor = StepFloor.Of(cluster.Spec, cluster.WeightTypes, options.KvType, shape.Batch, measured.MeanContext, touched);
        double floorTokens = 1e3 * shape.Batch / floor.StepMs(machine);
        return new DecodeRow
        {
            Model = ModelName(options.ModelFolder),
            Dtype = cluster.WeightTypes.ShortName,
            Batch = shape.Batch,
            TokensPerS = Math.Round(measured.TokensPerSecond, 2),
            FloorTokensPerS = Math.Round(floorTokens, 2),
            Ratio = Math.Round(measured.TokensPerSecond / floorTokens, 3),
            StepMs = Math.Round(measured.StepMs, 3),
            MemoryFloorMs = Math.Round(floor.MemoryMs(machine), 3),
            ComputeFloorMs = Math.Round(floor.ComputeMs(machine), 3),
            MbPerStep = Math.Round(floor.Bytes / 1e6, 1),
            GflopPerStep = Math.Round(floor.Flops / 1e9, 3),
            ExpertsTouchedPerLayer = Math.Round(touched, 2),
            ExpertReadsPerLayer = Math.Round(measured.ExpertReadsPerLayer, 2),
            RowsPerExpertGemm = Math.Round(measured.RowsPerExpertGemm, 2),
            PromptLen = shape.PromptLength,
            GenLen = shape.GenerateLength,
            AttentionNodes = options.AttentionNodes,
            ExpertNodes = options.ExpertNodes,
            MicroBatches = options.MicroBatches,
            Threads = options.AttentionThreads,
            Backend = cluster.Backend,
            TaUs = Math.Round(measured.Stages.AttentionUs, 1),
            TeUs = Math.Round(measured.Stages.ExpertUs, 1),
        };
    }

    private static string ModelName(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    private static int AtLeastOne(string option, int value) => value >= 1 ? value : throw new MegaInferException($"{option} {value} is too few; use at least 1.");
}

using System.CommandLine;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Models;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;

namespace MegaInfer.Bench.TwoAttention;

/// <summary>
/// <c>two-attention</c>: what it costs to split a batch over two attention nodes before one expert node, on the same cores. If the expert node gathers
/// their rows, each expert's weights are still read once for both.
/// </summary>
internal sealed class TwoAttentionCommand
{
    private static readonly IReadOnlyList<Column<TwoAttentionRow>> Columns =
    [
        new("attention nodes", row => $"{row.AttentionNodes}"),
        new("batch each", row => $"{row.BatchPerNode}"),
        new("tok/s", row => $"{row.TokensPerS:0.0}"),
        new("x one node", row => $"{row.Ratio:0.00}"),
        new("rows/GEMM", row => $"{row.RowsPerExpertGemm:0.0}"),
        new("gathered", row => $"{row.GatheredShare:0.00}"),
        new("step ms", row => $"{row.StepMs:0.00}"),
        new("runs", row => $"{row.Runs}"),
    ];

    private readonly Option<string?> _model = new("--model")
    {
        Description = "The checkpoint's folder. Default: a random model of the shape pingpong.",
        HelpName = "DIR",
    };

    private readonly Option<int> _batch = new("--batch") { Description = "Sequences in all; even.", DefaultValueFactory = _ => 32 };
    private readonly Option<int> _promptLength = new("--prompt-len") { Description = "Tokens of each prompt.", DefaultValueFactory = _ => 64 };
    private readonly Option<int> _generateLength = new("--gen-len") { Description = "Tokens that each sequence generates.", DefaultValueFactory = _ => 128 };
    private readonly Option<int> _runs = new("--runs") { Description = "Runs of each deployment, in turns.", DefaultValueFactory = _ => 3 };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of each node; 0: one per core.", DefaultValueFactory = _ => 0 };

    private readonly Option<double> _gatherShare = new("--gather-share")
    {
        Description = "How long the expert node waits for the other attention node, as a share of its own time.",
        DefaultValueFactory = _ => GatherPolicy.SharedCoresShare,
    };

    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("two-attention", "A batch over two attention nodes and one expert node, beside one attention node with all of it.")
        {
            _model, _batch, _promptLength, _generateLength, _runs, _threads, _gatherShare,
        };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        int batch = parsed.GetValue(_batch), runs = parsed.GetValue(_runs);
        if (batch < 2 || batch % 2 != 0)
            throw new MegaInferException($"--batch {batch} cannot be split over two attention nodes; use an even number.");
        if (runs < 1)
            throw new MegaInferException($"--runs {runs} is too few; use at least 1.");
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        int threads = parsed.GetValue(_threads) > 0 ? parsed.GetValue(_threads) : Environment.ProcessorCount;
        MachineInfo machine = MachineInfo.Measure(threads);
        using TemporaryModel? made = parsed.GetValue(_model) is null ? new TemporaryModel("pingpong", NamedShapes.Find("pingpong")) : null;
        LocalClusterOptions options = _cluster.Read(parsed, made?.Folder ?? parsed.GetValue(_model)!) with
        {
            AttentionThreads = threads,
            ExpertThreads = threads,
            MaxSequences = batch,
            Gather = new GatherPolicy(parsed.GetValue(_gatherShare)),
        };
        var shape = new DecodeShape(batch, parsed.GetValue(_promptLength), parsed.GetValue(_generateLength));

        // In turns, so that a machine that grows slower or faster meanwhile treats both alike.
        var one = new List<DecodeMeasurement>();
        var two = new List<DecodeMeasurement>();
        for (int run = 0; run < runs; run++)
        {
            cancel.ThrowIfCancellationRequested();
            one.Add(await MeasureAsync(options with { AttentionNodes = 1 }, shape));
            two.Add(await MeasureAsync(options with { AttentionNodes = 2 }, shape));
        }

        double reference = Median(one).TokensPerSecond;
        TwoAttentionRow[] rows = [Row(1, Median(one), runs, reference), Row(2, Median(two), runs, reference)];
        await _report.WriteAsync(parsed, $"two-attention, {Path.GetFileName(options.ModelFolder)}", new Report<TwoAttentionRow>(machine, rows), Columns);
        return 0;
    }

    private static async Task<DecodeMeasurement> MeasureAsync(LocalClusterOptions options, DecodeShape shape)
    {
        await using LocalCluster cluster = LocalCluster.Start(options);
        return await new DecodeLoad(cluster).RunAsync(shape);
    }

    private static DecodeMeasurement Median(List<DecodeMeasurement> runs) => runs.OrderBy(run => run.TokensPerSecond).ElementAt(runs.Count / 2);

    private static TwoAttentionRow Row(int nodes, DecodeMeasurement median, int runs, double reference) => new()
    {
        AttentionNodes = nodes,
        BatchPerNode = median.Batch / nodes,
        TokensPerS = Math.Round(median.TokensPerSecond, 1),
        Ratio = Math.Round(median.TokensPerSecond / reference, 3),
        RowsPerExpertGemm = Math.Round(median.RowsPerExpertGemm, 2),
        GatheredShare = Math.Round(median.GatheredShare, 3),
        StepMs = Math.Round(median.StepMs, 3),
        Runs = runs,
    };
}

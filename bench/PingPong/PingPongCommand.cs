using System.CommandLine;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Models;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;

namespace MegaInfer.Bench.PingPong;

/// <summary>
/// <c>pingpong</c>: does a second micro-batch hide one pool's work behind the other's, and by as much as the arithmetic says? Attention is
/// pinned to one core and experts to another; stage times come from timestamps around the real kernels of the same run.
/// </summary>
internal sealed class PingPongCommand
{
    private const int ProbeLength = 40;

    private static readonly IReadOnlyList<Column<PingPongRow>> Columns =
    [
        new("mode", row => row.Mode),
        new("m", row => $"{row.MicroBatches}"),
        new("rows each", row => $"{row.RowsPerMicroBatch}"),
        new("tok/s", row => $"{row.TokensPerS:0}"),
        new("predicted", row => $"{row.PredictedTokensPerS:0}"),
        new("ratio", row => $"{row.PredictionRatio:0.00}"),
        new("x m=1", row => $"{row.Speedup:0.00}"),
        new("Ta us", row => $"{row.TaUs:0}"),
        new("Te us", row => $"{row.TeUs:0}"),
        new("Tc us", row => $"{row.TcUs:0.0}"),
        new("attention idle", row => $"{row.AttentionIdleShare:0.00}"),
        new("expert idle", row => $"{row.ExpertIdleShare:0.00}"),
        new("outside us", row => $"{row.OutsideUs:0}"),
    ];

    private readonly Option<string?> _model = new("--model")
    {
        Description = "The checkpoint's folder. Default: a random model is made whose attention and experts take about the same time.",
        HelpName = "DIR",
    };

    private readonly Option<int> _rows = new("--rows") { Description = "Rows per micro-batch in the first mode.", DefaultValueFactory = _ => 16 };
    private readonly Option<int> _total = new("--total") { Description = "Rows of the whole batch in the second mode; a multiple of 12.", DefaultValueFactory = _ => 48 };
    private readonly Option<int> _promptLength = new("--prompt-len") { Description = "Tokens of each prompt.", DefaultValueFactory = _ => 64 };
    private readonly Option<int> _generateLength = new("--gen-len") { Description = "Tokens that each sequence generates.", DefaultValueFactory = _ => 160 };
    private readonly Option<int> _attentionCore = new("--attention-core") { Description = "Core of the attention pool.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _expertCore = new("--expert-core") { Description = "Core of the expert pool.", DefaultValueFactory = _ => 1 };
    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("pingpong", "What micro-batches bring when each pool owns a core, beside the prediction.")
        {
            _model, _rows, _total, _promptLength, _generateLength, _attentionCore, _expertCore,
        };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        int rows = parsed.GetValue(_rows), total = parsed.GetValue(_total);
        int attentionCore = parsed.GetValue(_attentionCore), expertCore = parsed.GetValue(_expertCore);
        Check(rows, total, attentionCore, expertCore);
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        MachineInfo machine = MachineInfo.Measure(threads: 2);
        LocalClusterOptions options = _cluster.Read(parsed, "") with
        {
            AttentionCores = [attentionCore],
            ExpertCores = [expertCore],
            AttentionThreads = 1,
            ExpertThreads = 1,
            Gather = new GatherPolicy(),
        };
        using TemporaryModel? made = parsed.GetValue(_model) is null
            ? await BalancedModel.MakeAsync(
                NamedShapes.Find("pingpong"), folder => new PingPongRun(options with { ModelFolder = folder }, ProbeLength, ProbeLength).ProbeAsync(rows), Console.Error)
            : null;
        options = options with { ModelFolder = made?.Folder ?? parsed.GetValue(_model)! };
        var run = new PingPongRun(options, parsed.GetValue(_promptLength), parsed.GetValue(_generateLength));
        PingPongRow[] measured = [.. await run.FixedRowsAsync(rows), .. await run.FixedTotalAsync(total)];
        string title = $"pingpong, attention on core {attentionCore}, experts on core {expertCore}, {Path.GetFileName(options.ModelFolder)}";
        await _report.WriteAsync(parsed, title, new Report<PingPongRow>(machine, measured), Columns);
        return 0;
    }

    private static void Check(int rows, int total, int attentionCore, int expertCore)
    {
        if (rows < 1)
            throw new MegaInferException($"--rows {rows} is too few; use at least 1.");
        if (total < 12 || total % 12 != 0)
            throw new MegaInferException($"--total {total} cannot be cut into 1, 2, 3 and 4 equal micro-batches; use a multiple of 12.");
        if (attentionCore == expertCore)
            throw new MegaInferException($"--attention-core and --expert-core are both {attentionCore}; the two pools need a core each.");
        int largest = Math.Max(attentionCore, expertCore);
        if (largest >= Environment.ProcessorCount || Math.Min(attentionCore, expertCore) < 0)
            throw new MegaInferException($"This machine has cores 0..{Environment.ProcessorCount - 1}; pingpong needs two of them, see --attention-core and --expert-core.");
    }
}

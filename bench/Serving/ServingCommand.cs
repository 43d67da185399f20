using System.CommandLine;
using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;
using MegaInfer.Bench.Rivals;
using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Bench.Serving;

/// <summary><c>serving</c>: what HTTP clients see of a load of streams, ours and llama.cpp's server in turn on the same weights.</summary>
internal sealed class ServingCommand
{
    // How often an engine that was always disturbed is measured again.
    private const int MoreTries = 2;

    private static readonly IReadOnlyList<Column<ServingRow>> Columns =
    [
        new("engine", row => row.Engine),
        new("load", row => row.RatePerS > 0 ? $"{row.RatePerS}/s x {row.Requests}" : $"{row.Batch} streams x {row.Requests}"),
        new("in+out", row => $"{row.PromptLen}+{row.GenLen}"),
        new("sound", row => $"{row.Sound}"),
        new("out tok/s", row => $"{row.TokensPerS:0.0}"),
        new("in+out tok/s", row => $"{row.InOutTokensPerS:0.0}"),
        new("TTFT p50/p90/p99 ms", row => $"{row.TtftP50Ms:0} / {row.TtftP90Ms:0} / {row.TtftP99Ms:0}"),
        new("ITL p50/p90/p99/max ms", row => $"{row.ItlP50Ms:0.0} / {row.ItlP90Ms:0.0} / {row.ItlP99Ms:0.0} / {row.ItlMaxMs:0}"),
        new("server cores", row => $"{row.ServerCores:0.00}"),
        new("of it HTTP's", row => $"{row.FrontCores:0.000}"),
        new("client cores", row => $"{row.ClientCores:0.000}"),
        new("tok/s, TTFT, ITL p50, p99 / rival", row => row.RivalTokensRatio is null ? "" : $"{row.RivalTokensRatio:0.00}, {row.RivalTtftP50Ratio:0.00}, {row.RivalItlP50Ratio:0.00}, {row.RivalItlP99Ratio:0.00}"),
    ];

    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<int> _streams = new("--streams") { Description = "Requests in flight.", DefaultValueFactory = _ => 32 };
    private readonly Option<int> _requests = new("--requests") { Description = "Requests in all; 0: one for each stream.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _promptLength = new("--prompt-len") { Description = "Tokens of each prompt.", DefaultValueFactory = _ => 128 };
    private readonly Option<int> _generateLength = new("--gen-len") { Description = "Tokens that each request generates.", DefaultValueFactory = _ => 64 };
    private readonly Option<double> _rate = new("--rate") { Description = "Arrivals a second, at random times; 0: a stream sends its next request when its last has ended.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _seed = new("--seed") { Description = "Of prompts and arrivals.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of each node and of rivals; 0: one per core.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _rounds = new("--rounds") { Description = "Rounds, of which each engine's best undisturbed one counts.", DefaultValueFactory = _ => 3 };
    private readonly Option<string[]> _rivals = new("--rival-bin") { Description = "Folder with a build of llama.cpp that has llama-server.", HelpName = "DIR" };
    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("serving", "What HTTP clients see under load: time to first token, between tokens, tokens per second.")
        {
            _model, _streams, _requests, _promptLength, _generateLength, _rate, _seed, _threads, _rounds, _rivals,
        };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        string folder = parsed.GetRequiredValue(_model);
        using var checkpoint = Checkpoint.Open(folder);
        int streams = parsed.GetValue(_streams);
        var shape = new LoadShape
        {
            Streams = streams,
            Requests = parsed.GetValue(_requests) > 0 ? parsed.GetValue(_requests) : streams,
            PromptLength = parsed.GetValue(_promptLength),
            GenerateLength = parsed.GetValue(_generateLength),
            Rate = parsed.GetValue(_rate),
            Seed = parsed.GetValue(_seed),
        };
        shape.Check(checkpoint.Spec.ContextLength);
        int threads = parsed.GetValue(_threads) > 0 ? parsed.GetValue(_threads) : Environment.ProcessorCount;
        RivalBuild[] rivals = [.. (parsed.GetValue(_rivals) ?? []).Select(RivalBuild.Open).Where(rival => rival.HasServer)];
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        MachineLimits limits = MachineLimits.Measure(threads);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        var engines = new List<ServingEngine>
        {
            new("megainfer", name, checkpoint.Spec.VocabularySize, async stop => await ServedServer.StartAsync(
                ["--model", folder, "--threads", $"{threads}", "--max-sequences", $"{Math.Max(64, streams)}", .. _cluster.ServeArguments(parsed)], stop)),
        };
        foreach (RivalBuild rival in rivals)
        {
            int slots = Math.Min(streams, shape.Requests);
            int context = (shape.PromptLength + shape.GenerateLength + 255) / 256 * 256;
            engines.Add(await ServingEngine.OfRivalAsync(rival, folder, engines[0], slots, context, threads, cancel));
        }

        ServingRow?[] best = await MeasureAsync(engines, shape, parsed, cancel);
        ServingRow? fastest = best.Skip(1).OfType<ServingRow>().MaxBy(row => row.TokensPerS);
        ServingRow[] rows = [.. best.OfType<ServingRow>().Select(row => row.Engine == "megainfer" && fastest is not null ? row.Beside(fastest) : row)];
        var report = new Report<ServingRow>(MachineInfo.Of(threads, limits.BestOf(MachineLimits.Measure(threads))), rows);
        await _report.WriteAsync(parsed, $"serving, {name}", report, Columns);
        for (int i = 0; i < engines.Count; i++)
        {
            if (best[i] is null)
                await Console.Error.WriteLineAsync(Measured.NotReported(engines[i].Name));
        }

        return best.Contains(null) ? 1 : 0;
    }

    private async Task<ServingRow?[]> MeasureAsync(List<ServingEngine> engines, LoadShape shape, ParseResult parsed, CancellationToken cancel)
    {
        var best = new ServingRow?[engines.Count];
        int rounds = parsed.GetValue(_rounds);
        for (int round = 0; round < rounds + MoreTries && (round < rounds || best.Contains(null)); round++)
        {
            for (int i = 0; i < engines.Count; i++)
            {
                if (round >= rounds && best[i] is not null)
                    continue;
                LoadResult result = await engines[i].MeasureAsync(shape, cancel);
                ServingRow row = ServingRow.Of(engines[i].Name, engines[i].Model, "bf16", shape, result);
                await Console.Error.WriteLineAsync($"{row.Engine}: {row.TokensPerS:0.0} tok/s, TTFT p50 {row.TtftP50Ms:0} ms, ITL p50 {row.ItlP50Ms:0.0} ms, others {row.OthersShare:0.000}");
                if (result.Requests.FirstOrDefault(request => request.Failure is not null) is { } failed)
                    await Console.Error.WriteLineAsync($"{row.Engine}: {shape.Requests - row.Sound} requests failed; the first: {failed.Failure}");
                if (!(row.OthersShare >= Measured.DisturbedFrom) && !(best[i]?.TokensPerS > row.TokensPerS))
                    best[i] = row;
            }
        }

        return best;
    }
}

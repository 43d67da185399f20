using System.CommandLine;
using System.Diagnostics;
using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Processes;
using MegaInfer.Bench.Reports;
using MegaInfer.Bench.Rivals;
using MegaInfer.Bench.Serving;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Bench.Start;

/// <summary><c>start</c>: from the start of a server to its first token, beside the time in which the weights can be read; llama.cpp's server in turn.</summary>
internal sealed class StartCommand
{
    private static readonly IReadOnlyList<Column<StartRow>> Columns =
    [
        new("engine", row => row.Engine),
        new("GB", row => $"{row.Gigabytes:0.00}"),
        new("read s", row => $"{row.ReadS:0.000}"),
        new("limit s", row => $"{row.LimitS:0.00}"),
        new("ready s", row => $"{row.ReadyS:0.00}"),
        new("first token s", row => $"{row.FirstTokenS:0.00}"),
        new("/ limit", row => $"{row.OverLimit:0.00}"),
    ];

    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<int> _rounds = new("--rounds") { Description = "Starts of each engine, of which the best undisturbed one counts.", DefaultValueFactory = _ => 5 };
    private readonly Option<string[]> _rivals = new("--rival-bin") { Description = "Folder with a build of llama.cpp that has llama-server.", HelpName = "DIR" };
    private readonly ClusterOptions _cluster = new();
    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("start", "From the start of a server to its first token, beside the time to read the weights.") { _model, _rounds, _rivals };
        _cluster.AddTo(command);
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        string folder = parsed.GetRequiredValue(_model);
        int vocabulary, rounds = parsed.GetValue(_rounds);
        using (var checkpoint = Checkpoint.Open(folder))
            vocabulary = checkpoint.Spec.VocabularySize;
        if (rounds < 1)
            throw new MegaInferException("--rounds is at least 1.");
        RivalBuild[] rivals = [.. (parsed.GetValue(_rivals) ?? []).Select(RivalBuild.Open).Where(rival => rival.HasServer)];
        using BenchLock held = await BenchLock.TakeAsync(Console.Error, cancel);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string[] serve = ["--model", folder, .. _cluster.ServeArguments(parsed)];
        var engines = new List<ServingEngine>
        {
            new("megainfer", name, vocabulary, async stop => new ServedServer(await ServedCluster.StartAsync(serve, stop))),
            new("megainfer, packed anew", name, vocabulary, async stop => new ServedServer(await ServedCluster.StartAsync([.. serve, "--no-weight-cache"], stop))),
        };
        foreach (RivalBuild rival in rivals)
            engines.Add(await ServingEngine.OfRivalAsync(rival, folder, engines[0], slots: 1, contextPerSlot: 256, Environment.ProcessorCount, cancel));

        // Leaves the packed weights behind, and the client's own code compiled.
        await using (ServedServer first = await ServedServer.StartAsync(serve, cancel))
            await FirstTokenAsync(first, engines[0], cancel);
        var report = new Report<StartRow>(MachineInfo.Of(Environment.ProcessorCount, MachineLimits.Measure(Environment.ProcessorCount)), await MeasureAsync(engines, folder, rounds, cancel));
        await _report.WriteAsync(parsed, $"start, {name}", report, Columns);
        string[] missing = [.. engines.Select(engine => engine.Name).Except(report.Rows.Select(row => row.Engine))];
        foreach (string engine in missing)
            await Console.Error.WriteLineAsync(Measured.NotReported(engine));
        return missing.Length == 0 ? 0 : 1;
    }

    private static async Task<StartRow[]> MeasureAsync(List<ServingEngine> engines, string folder, int rounds, CancellationToken cancel)
    {
        var best = new Dictionary<string, StartRow>();
        double gigabytes = WeightFiles.Bytes(folder) / 1e9, read = double.PositiveInfinity;
        for (int round = 0; round < rounds; round++)
        {
            foreach (ServingEngine engine in engines)
            {
                read = Math.Min(read, WeightFiles.Read(folder));
                OthersClock others = OthersClock.Start();
                long started = Stopwatch.GetTimestamp();
                await using IServed served = await engine.Start(cancel);
                double ready = Stopwatch.GetElapsedTime(started).TotalSeconds;
                await FirstTokenAsync(served, engine, cancel);
                double first = Stopwatch.GetElapsedTime(started).TotalSeconds, share = others.StopShare();
                await Console.Error.WriteLineAsync($"{engine.Name}: ready {ready:0.00} s, first token {first:0.00} s, weights read in {read:0.000} s, others {share:0.000}");
                if (!(share >= Measured.DisturbedFrom) && !(best.GetValueOrDefault(engine.Name)?.FirstTokenS <= first))
                    best[engine.Name] = new StartRow { Engine = engine.Name, Model = engine.Model, Gigabytes = Math.Round(gigabytes, 2), ReadS = 0, ReadyS = Math.Round(ready, 3), FirstTokenS = Math.Round(first, 3), OthersShare = Math.Round(share, 4) };
            }
        }

        return [.. engines.Select(engine => best.GetValueOrDefault(engine.Name)).OfType<StartRow>().Select(row => row with { ReadS = Math.Round(read, 3) })];
    }

    private static async Task FirstTokenAsync(IServed served, ServingEngine engine, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = served.Http };
        StreamedRequest request = await StreamedRequest.SendAsync(client, engine.Model, [1, 2, 3, 4], 1, Stopwatch.GetTimestamp(), cancel);
        if (request.Failure is { } failure)
            throw new MegaInferException($"{engine.Name} did not answer its first request: {failure}");
    }
}

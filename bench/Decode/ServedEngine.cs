using System.Diagnostics;
using Grpc.Core;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Processes;
using MegaInfer.Bench.Rivals;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Proto;

namespace MegaInfer.Bench.Decode;

/// <summary>
/// A real server with its node processes, driven over gRPC with distinct random prompts. What counts of a decode is the window in which all sequences decode: from
/// the last one's first token to the first one's last. Prompts stay in the prefix cache, so that only a batch's first run computes them.
/// </summary>
internal sealed class ServedEngine(ServedCluster cluster, int vocabulary, int microBatches) : IDecodeEngine
{
    // Nodes report their counters every two seconds.
    private static readonly TimeSpan ReportPause = TimeSpan.FromSeconds(4.5);
    private readonly HashSet<DecodeShape> _warm = [];
    private int _prompts;

    public string Name => "megainfer";

    public int MicroBatches => microBatches;

    public async Task<Measured> DecodeAsync(DecodeShape shape, CancellationToken cancel)
    {
        if (_warm.Add(shape))
            await RunAsync(shape with { GenerateLength = Math.Min(8, shape.GenerateLength) }, cancel);
        OthersClock others = OthersClock.Start(cluster.ProcessId);
        double speed = SpeedOf(await RunAsync(shape, cancel));
        double share = others.StopShare();
        await Task.Delay(ReportPause, cancel);
        MetricsPage page = await cluster.MetricsAsync(cancel);
        return new Measured(speed, share, new StageTimes(
            1e6 * page.Sum("megainfer_attention_ta_seconds"), 1e6 * page.Sum("megainfer_attention_te_seconds"), 1e6 * page.Sum("megainfer_attention_tc_seconds")));
    }

    public async Task<Measured> PrefillAsync(int tokens, CancellationToken cancel)
    {
        await ArrivalsAsync(RandomPrompt(NextPromptSeed(), tokens), 1, cancel);
        OthersClock others = OthersClock.Start(cluster.ProcessId);
        long started = Stopwatch.GetTimestamp();
        long[] arrivals = await ArrivalsAsync(RandomPrompt(NextPromptSeed(), tokens), 1, cancel);
        double seconds = Stopwatch.GetElapsedTime(started, arrivals[0]).TotalSeconds;
        return new Measured(tokens / seconds, others.StopShare());
    }

    /// <summary>Counted over the decode steps of one run of a batch: how many experts a layer's rows read, and how many rows each served.</summary>
    internal async Task<StepCounts> CountAsync(DecodeShape shape, int expertLayers, CancellationToken cancel)
    {
        await RunAsync(shape with { GenerateLength = 1 }, cancel);
        MetricsPage first = await SettledAsync(cancel);
        await RunAsync(shape with { GenerateLength = 1 }, cancel);
        MetricsPage second = await SettledAsync(cancel);
        await RunAsync(shape, cancel);
        MetricsPage third = await SettledAsync(cancel);
        // A whole run less the same prompts alone.
        double Decode(string name) => third.Sum(name) - second.Sum(name) - (second.Sum(name) - first.Sum(name));
        double gemms = Decode("megainfer_expert_gemms_total");
        double steps = Decode("megainfer_attention_decode_rows_total") / shape.Batch;
        if (steps <= 0 || gemms <= 0)
            return default;
        double seconds = Decode("megainfer_attention_step_seconds_total");
        return new StepCounts(
            gemms / (steps * expertLayers),
            Decode("megainfer_expert_pairs_total") / gemms,
            Decode("megainfer_attention_expert_wait_seconds_total") / seconds,
            Decode("megainfer_attention_plan_seconds_total") / seconds,
            Decode("megainfer_attention_head_seconds_total") / seconds,
            Math.Max(0, Decode("megainfer_attention_step_allocated_bytes_total") / steps),
            Math.Max(0, Decode("megainfer_attention_collections_total")));
    }

    private static double SpeedOf(long[][] arrivals)
    {
        long from = arrivals.Max(sequence => sequence[0]);
        long to = arrivals.Min(sequence => sequence[^1]);
        if (to <= from)
            throw new MegaInferException("The first sequence ended before the last one began to decode; raise --gen-len or lower --prompt-len.");
        return arrivals.Sum(sequence => sequence.Count(arrival => arrival > from && arrival <= to)) / Stopwatch.GetElapsedTime(from, to).TotalSeconds;
    }

    private static int[] PromptOf(DecodeShape shape, int index, int vocabulary) =>
        RandomPrompt(vocabulary, (shape.PromptLength * 4096) + index, shape.PromptLength);

    private static int[] RandomPrompt(int vocabulary, int seed, int tokens)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, tokens).Select(_ => random.Next(vocabulary))];
    }

    private int[] RandomPrompt(int seed, int tokens) => RandomPrompt(vocabulary, seed, tokens);

    private int NextPromptSeed() => -++_prompts;

    private async Task<long[][]> RunAsync(DecodeShape shape, CancellationToken cancel) => await Task.WhenAll(
        Enumerable.Range(0, shape.Batch).Select(index => ArrivalsAsync(PromptOf(shape, index, vocabulary), shape.GenerateLength, cancel)));

    private async Task<MetricsPage> SettledAsync(CancellationToken cancel)
    {
        await Task.Delay(ReportPause, cancel);
        return await cluster.MetricsAsync(cancel);
    }

    /// <summary>When each token of a greedy continuation of exactly this length arrived.</summary>
    private async Task<long[]> ArrivalsAsync(int[] prompt, int generate, CancellationToken cancel)
    {
        var request = new GenerateRequest
        {
            Tokens = new TokenIds { Ids = { prompt } },
            Sampling = new Sampling { Temperature = 0 },
            Limits = new Limits { MaxTokens = generate, IgnoreEos = true },
        };
        var arrivals = new List<long>(generate);
        try
        {
            using AsyncServerStreamingCall<GenerateResponse> call = cluster.Inference.Generate(request, cancellationToken: cancel);
            await foreach (GenerateResponse response in call.ResponseStream.ReadAllAsync(cancel))
            {
                if (response.EventCase == GenerateResponse.EventOneofCase.Tokens)
                    arrivals.AddRange(Enumerable.Repeat(Stopwatch.GetTimestamp(), response.Tokens.Tokens_.Count));
                if (response.Finished is { } finished && finished.Reason != Proto.FinishReason.Length)
                    throw new MegaInferException($"A sequence ended with {finished.Reason} instead of its full length: {finished.Message}");
            }
        }
        catch (RpcException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw new MegaInferException($"The server failed a request: {error.Status.Detail}", error);
        }

        return arrivals.Count == generate ? [.. arrivals] : throw new MegaInferException($"A sequence of {generate} tokens came back with {arrivals.Count}.");
    }
}

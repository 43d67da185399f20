using MegaInfer.Engine.Requests;
using Prometheus;

namespace MegaInfer.Server.Health;

/// <summary>What the server counts about itself, for /metrics. Any thread.</summary>
internal sealed class ServerMetrics
{
    private static readonly double[] LatencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

    private readonly Counter _finished;

    public ServerMetrics()
    {
        Registry = Metrics.NewCustomRegistry();
        MetricFactory factory = Metrics.WithCustomRegistry(Registry);
        Running = factory.CreateGauge("megainfer_num_requests_running", "Sequences in progress on attention nodes.");
        Waiting = factory.CreateGauge("megainfer_num_requests_waiting", "Admitted sequences that wait for an attention node.");
        Requests = factory.CreateCounter("megainfer_requests_total", "Answered requests.", "endpoint", "status");
        Refused = factory.CreateCounter("megainfer_refused_total", "Sequences not admitted: the queue was full or the server was stopping.");
        Resumed = factory.CreateCounter("megainfer_sequences_resumed_total", "Sequences continued on another attention node.");
        PromptTokens = factory.CreateCounter("megainfer_prompt_tokens_total", "Prompt tokens of admitted sequences.");
        GeneratedTokens = factory.CreateCounter("megainfer_generation_tokens_total", "Generated tokens.");
        ChildRestarts = factory.CreateCounter("megainfer_child_restarts_total", "Node processes that the server started again.", "child");
        FirstToken = factory.CreateHistogram("megainfer_time_to_first_token_seconds", "From admission to the first token.", new HistogramConfiguration { Buckets = LatencyBuckets });
        TokenInterval = factory.CreateHistogram("megainfer_time_per_output_token_seconds", "Mean time of each token after the first, per sequence.", new HistogramConfiguration { Buckets = LatencyBuckets });
        Duration = factory.CreateHistogram("megainfer_sequence_duration_seconds", "From admission to the end.", new HistogramConfiguration { Buckets = LatencyBuckets });
        _finished = factory.CreateCounter("megainfer_sequences_finished_total", "Sequences by how they ended.", "reason");
        foreach (FinishReason reason in Enum.GetValues<FinishReason>())
            _finished.WithLabels(NameOf(reason));
    }

    public CollectorRegistry Registry { get; }

    public Gauge Running { get; }

    public Gauge Waiting { get; }

    public Counter Requests { get; }

    public Counter Refused { get; }

    public Counter Resumed { get; }

    public Counter PromptTokens { get; }

    public Counter GeneratedTokens { get; }

    public Counter ChildRestarts { get; }

    public Histogram FirstToken { get; }

    public Histogram TokenInterval { get; }

    public Histogram Duration { get; }

    public void Finished(FinishReason reason) => _finished.WithLabels(NameOf(reason)).Inc();

    private static string NameOf(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.Cancelled => "cancelled",
        FinishReason.DeadlineExceeded => "deadline_exceeded",
        FinishReason.Failed => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };
}

using MegaInfer.Engine;

namespace MegaInfer.Server.Hosting;

/// <summary>What <c>serve</c>, <c>generate</c> and <c>logits</c> are told on the command line. Checked once, by <see cref="Validate"/>, before anything starts.</summary>
internal sealed record ServeOptions
{
    public const int MaxNodes = 64;

    /// <summary>A folder, or the name of the embedded model.</summary>
    public string Model { get; init; } = ModelFolders.EmbeddedName;

    public int AttentionNodes { get; init; } = 1;

    public int ExpertNodes { get; init; } = 1;

    /// <summary>auto, or 1 to 4.</summary>
    public string MicroBatches { get; init; } = "auto";

    /// <summary>auto, fp32, bf16, int8 or int4.</summary>
    public string Dtype { get; init; } = "auto";

    /// <summary>bf16 or fp32.</summary>
    public string KvDtype { get; init; } = "bf16";

    public string Http { get; init; } = "127.0.0.1:8080";

    public string Grpc { get; init; } = "127.0.0.1:8081";

    public string Control { get; init; } = "127.0.0.1:8082";

    /// <summary>What clients must show; null: nothing.</summary>
    public string? ApiKey { get; init; }

    /// <summary>File with what nodes and operators must show; null: nothing, and the control port stays on loopback.</summary>
    public string? SecretFile { get; init; }

    /// <summary>Kernel threads of each node; 0: one per core.</summary>
    public int Threads { get; init; }

    /// <summary>auto, reference, avx2 or avx512.</summary>
    public string Backend { get; init; } = "auto";

    /// <summary>Sequences that may wait.</summary>
    public int MaxQueue { get; init; } = 1024;

    /// <summary>Sequences in progress on one attention node.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Rows of a step.</summary>
    public int MaxStepRows { get; init; } = 256;

    /// <summary>Prompt rows of one sequence in a step.</summary>
    public int ChunkRows { get; init; } = 256;

    /// <summary>Milliseconds that a step may take while sequences decode; 0: no target.</summary>
    public int StepTargetMs { get; init; } = 150;

    /// <summary>KV blocks of 16 tokens on each attention node; 0: from memory.</summary>
    public int KvBlocks { get; init; }

    public bool PrefixCache { get; init; } = true;

    /// <summary>Nodes keep packed weights on disk for the next start.</summary>
    public bool WeightCache { get; init; } = true;

    /// <summary>
    /// Gathering window of expert nodes as a share of their measured time. The local pools share this host's cores, where a waiting expert node leaves them
    /// to the senders it waits for, so the default is a whole one; nodes that own their cores do better with 0.1.
    /// </summary>
    public double GatherShare { get; init; } = 1.0;

    public bool AllowMixedNumerics { get; init; }

    /// <summary>The network interface over which the local pools meet nodes of other hosts; empty: they do not.</summary>
    public string M2NInterface { get; init; } = "";

    /// <summary>How rows travel: auto (shared memory on one host, TCP between two), or tcp or ucx for all pairs.</summary>
    public string M2NTransport { get; init; } = "auto";

    /// <summary>Where rows of nodes of one host lie: host or device memory.</summary>
    public string M2NRows { get; init; } = "host";

    public bool HasDeviceRows => M2NRows == "device";

    /// <summary>How long running sequences may take to finish after SIGTERM.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>False: the model may lack a tokenizer; only token ids are used.</summary>
    public bool NeedsText { get; init; } = true;

    public int MicroBatchCount => MicroBatches == "auto" ? 0 : int.Parse(MicroBatches);

    /// <exception cref="MegaInferException">The first value that is wrong, with its flag and its bounds.</exception>
    public void Validate()
    {
        InRange("--attention-nodes", AttentionNodes, 1, MaxNodes);
        InRange("--expert-nodes", ExpertNodes, 1, MaxNodes);
        OneOf("--micro-batches", MicroBatches, "auto", "1", "2", "3", "4");
        OneOf("--dtype", Dtype, "auto", "fp32", "bf16", "int8", "int4");
        OneOf("--kv-dtype", KvDtype, "bf16", "fp32");
        OneOf("--backend", Backend, "auto", "reference", "avx2", "avx512", "avx512vnni", "avx512bf16", "cuda");
        OneOf("--m2n-transport", M2NTransport, "auto", "tcp", "ucx");
        if (M2NTransport != "auto" && M2NInterface.Length == 0)
            throw new MegaInferException($"--m2n-transport {M2NTransport} needs the network that it is for; name it with --m2n-interface.");
        OneOf("--m2n-rows", M2NRows, "host", "device");
        if (HasDeviceRows && M2NInterface.Length > 0)
            throw new MegaInferException("--m2n-rows device is for nodes of one host, and --m2n-interface for those of several; leave one of them out.");
        InRange("--threads", Threads, 0, 1024);
        InRange("--max-queue", MaxQueue, 0, 1_000_000);
        InRange("--max-sequences", MaxSequences, 1, 4096);
        InRange("--max-step-rows", MaxStepRows, 1, 8192);
        InRange("--chunk-rows", ChunkRows, 1, MaxStepRows);
        InRange("--step-target-ms", StepTargetMs, 0, 60_000);
        InRange("--kv-blocks", KvBlocks, 0, int.MaxValue);
        if (GatherShare is not (>= 0.001 and <= 10))
            throw new MegaInferException($"--gather-share {GatherShare} is out of range; use 0.001 to 10 (default 1; 0.1 where nodes own their cores).");
        if (ApiKey is { Length: 0 })
            throw new MegaInferException("--api-key is empty; give a key, or leave the flag out.");
    }

    /// <summary>The cluster secret; empty where there is none.</summary>
    /// <exception cref="MegaInferException">The file cannot be read or is empty.</exception>
    public byte[] ReadSecret()
    {
        if (SecretFile is null)
            return [];
        try
        {
            string text = File.ReadAllText(SecretFile).Trim();
            return text.Length > 0 ? System.Text.Encoding.UTF8.GetBytes(text) : throw new MegaInferException($"The secret file {SecretFile} is empty; write a secret into it.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"The secret file {SecretFile} cannot be read: {error.Message}", error);
        }
    }

    private static void InRange(string flag, int value, int least, int most)
    {
        if (value < least || value > most)
            throw new MegaInferException($"{flag} {value} is out of range; use {least} to {most}.");
    }

    private static void OneOf(string flag, string value, params string[] allowed)
    {
        if (!allowed.Contains(value))
            throw new MegaInferException($"{flag} {value} is not known; use {string.Join(", ", allowed[..^1])} or {allowed[^1]}.");
    }
}

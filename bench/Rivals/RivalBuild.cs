using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>
/// A build of llama.cpp or ik_llama.cpp that the user made: a folder with its programs. Each measurement is one run of one of them, with the defaults that its users get; nothing
/// here is timed by us. Any thread may call, but measurements must not overlap.
/// </summary>
internal sealed class RivalBuild
{
    private const string Bench = "llama-bench";
    private const string BatchedBench = "llama-batched-bench";
    private const string Quantize = "llama-quantize";
    private const string Server = "llama-server";

    /// <summary>llama.cpp gives each sequence a cache of its own, in whole such pieces; positions.</summary>
    private const int CachePiece = 256;

    private static readonly TimeSpan QuestionBound = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RunBound = TimeSpan.FromMinutes(30);

    private readonly string _folder;
    private readonly RivalIdentity _identity;

    private RivalBuild(string folder, RivalIdentity identity)
    {
        _folder = folder;
        _identity = identity;
    }

    /// <summary><c>llama.cpp</c> or <c>ik_llama.cpp</c>.</summary>
    public string Engine => _identity.Engine;

    /// <summary>What it says of itself.</summary>
    public string Version => _identity.Version;

    public bool HasServer => File.Exists(PathOf(Server));

    /// <summary>
    /// ik_llama.cpp's llama-batched-bench gives every sequence the same token at every position, so that all rows of a step visit the same experts: its batched decode reads
    /// top-k experts instead of nearly all, and is no rival to a batch of different texts. Null where each sequence has tokens of its own.
    /// </summary>
    public string? DecodeCaveat => Engine == RivalIdentity.IkLlama ? "all sequences decode the same token, so a step reads only one row's experts" : null;

    /// <param name="folder">Holds llama-bench, llama-batched-bench and llama-quantize; llama-server may be missing.</param>
    /// <exception cref="MegaInferException">A program is missing, or the programs are neither engine's.</exception>
    public static RivalBuild Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        string[] missing = [.. new[] { Bench, BatchedBench, Quantize }.Where(program => !File.Exists(Path.Combine(folder, program)))];
        if (missing.Length > 0)
            throw new MegaInferException($"{folder} does not hold {string.Join(", ", missing)}; give the folder that llama.cpp's or ik_llama.cpp's programs were built into.");
        // What asking for help exits with differs.
        string help = Ask(Bench, "--help");
        return new RivalBuild(folder, RivalIdentity.Parse(help, Ask(BatchedBench, "--version")));

        string Ask(string program, string question) =>
            RivalProcess.RunAsync(Path.Combine(folder, program), [question], QuestionBound, CancellationToken.None).GetAwaiter().GetResult().All;
    }

    /// <summary>Decode speed of a batch, from llama-batched-bench.</summary>
    /// <param name="gguf">The model.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="promptLength">Tokens of each prompt.</param>
    /// <param name="generateLength">Tokens that each sequence generates.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="cancel">Ends the program.</param>
    /// <exception cref="MegaInferException">It failed, did not end in time, or printed what this does not know.</exception>
    public Task<RivalMeasurement> DecodeAsync(string gguf, int batch, int promptLength, int generateLength, int threads, CancellationToken cancel)
    {
        int context = batch * ((promptLength + generateLength + CachePiece - 1) / CachePiece * CachePiece);
        // A second, short row: llama.cpp now and then loses what it prints last.
        string[] arguments =
        [
            "-m", gguf, "-c", $"{context}", "-b", "2048", "-ub", "512", "-t", $"{threads}", "-npp", $"{promptLength}", "-ntg", $"{generateLength}", "-npl", $"{batch},1",
        ];
        return MeasureAsync(BatchedBench, arguments, result => BatchedBenchOutput.Speed(result.All, promptLength, generateLength, batch), cancel);
    }

    /// <summary>Prefill speed of one prompt, the mean of three repetitions, from llama-bench.</summary>
    /// <exception cref="MegaInferException">As <see cref="DecodeAsync"/>.</exception>
    public Task<RivalMeasurement> PrefillAsync(string gguf, int tokens, int threads, CancellationToken cancel) =>
        MeasureAsync(
            Bench,
            ["-m", gguf, "-p", $"{tokens}", "-n", "0", "-r", "3", "-t", $"{threads}", "-o", "json"],
            result => LlamaBenchOutput.PrefillSpeed(result.Output, tokens, threads),
            cancel);

    /// <summary>Starts llama-server on a free port of 127.0.0.1 and waits until it is healthy.</summary>
    /// <param name="gguf">The model.</param>
    /// <param name="slots">Requests that it serves at once.</param>
    /// <param name="contextPerSlot">Positions of each.</param>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="cancel">Ends the server while it starts.</param>
    /// <exception cref="MegaInferException">There is no server, it ended, or it was not healthy in time.</exception>
    public Task<RivalServer> StartServerAsync(string gguf, int slots, int contextPerSlot, int threads, CancellationToken cancel)
    {
        if (!HasServer)
            throw new MegaInferException($"{_folder} does not hold {Server}; build it too.");
        // Prompts of a load differ, so that caching them only costs; ik_llama.cpp has neither of the last two.
        string[] arguments = ["-m", gguf, "-c", $"{slots * contextPerSlot}", "-np", $"{slots}", "-t", $"{threads}", "-cram", "0"];
        if (Engine == RivalIdentity.Llama)
            arguments = [.. arguments, "--no-webui", "--offline"];
        return RivalServer.StartAsync(PathOf(Server), arguments, cancel);
    }

    /// <summary>Writes a quantised copy of a model, with llama-quantize.</summary>
    /// <param name="source">A bf16 model.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="type">As llama-quantize names it, such as <c>Q8_0</c>.</param>
    /// <param name="cancel">Ends the program.</param>
    /// <exception cref="MegaInferException">It failed or did not end in time.</exception>
    internal Task QuantizeAsync(string source, string target, string type, CancellationToken cancel) =>
        RivalProcess.RunToSuccessAsync(PathOf(Quantize), [source, target, type], RunBound, cancel);

    private async Task<RivalMeasurement> MeasureAsync(string program, string[] arguments, Func<RivalProcess.Result, double> speed, CancellationToken cancel)
    {
        OthersClock others = OthersClock.Start();
        RivalProcess.Result result = await RivalProcess.RunToSuccessAsync(PathOf(program), arguments, RunBound, cancel);
        double share = others.StopShare();
        return new RivalMeasurement(speed(result), share);
    }

    private string PathOf(string program) => Path.Combine(_folder, program);
}

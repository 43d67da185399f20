using System.CommandLine;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary>The flags that shape the model and the pools, the same for every command that starts them. Values are checked by <see cref="ServeOptions.Validate"/>.</summary>
internal sealed class PoolFlags
{
    private static readonly ServeOptions Defaults = new();

    private readonly Option<string> _model = Flag("--model", "DIR|NAME", "A Hugging Face model folder, or the name of the embedded model.", Defaults.Model);
    private readonly Option<int> _attentionNodes = Flag("--attention-nodes", "N", "Attention nodes to start.", Defaults.AttentionNodes);
    private readonly Option<int> _expertNodes = Flag("--expert-nodes", "N", "Expert nodes to start; the experts are divided among them.", Defaults.ExpertNodes);
    private readonly Option<string> _microBatches = Flag("--micro-batches", "auto|1..4", "Micro-batches in flight on each attention node.", Defaults.MicroBatches);
    private readonly Option<string> _dtype = Dtype();
    private readonly Option<string> _kvDtype = Flag("--kv-dtype", "bf16|fp32", "Type of the KV cache.", Defaults.KvDtype);
    private readonly Option<string> _backend = Flag("--backend", "NAME", "Kernels: auto (the best of this CPU), reference, avx2, avx512, avx512vnni, avx512bf16 or cuda (a GPU).", Defaults.Backend);
    private readonly Option<int> _threads = Flag("--threads", "N", "Kernel threads of each node; 0: one per core.", Defaults.Threads);
    private readonly Option<int> _maxSequences = Flag("--max-sequences", "N", "Sequences in progress on one attention node.", Defaults.MaxSequences);
    private readonly Option<int> _maxStepRows = Flag("--max-step-rows", "N", "Rows of one step: decode rows and prompt chunks together.", Defaults.MaxStepRows);
    private readonly Option<int> _chunkRows = Flag("--chunk-rows", "N", "Prompt rows of one sequence in one step.", Defaults.ChunkRows);
    private readonly Option<int> _stepTarget = Flag(
        "--step-target-ms", "N", "What a step may take while sequences decode: prompt chunks are sized to it; 0: no target.", Defaults.StepTargetMs);
    private readonly Option<int> _kvBlocks = Flag("--kv-blocks", "N", "KV blocks (16 tokens) of each attention node; 0: from memory.", Defaults.KvBlocks);
    private readonly Option<bool> _noPrefixCache = new("--no-prefix-cache") { Description = "Compute every prompt from its first token." };
    private readonly Option<bool> _noWeightCache = new("--no-weight-cache")
    {
        Description = "Pack the weights at every start, instead of keeping them packed on disk, which takes the model's size once more (in ~/.cache/megainfer/packed).",
    };
    private readonly Option<string> _m2nRows = Flag(
        "--m2n-rows", "host|device", "Where rows between nodes lie: in host memory, or, on one host, in memory of their devices (GPUs), which both map.", Defaults.M2NRows);
    private readonly Option<double> _gatherShare = Flag("--gather-share", "X", "How long expert nodes gather, as a share of their measured time.", Defaults.GatherShare);

    public void AddTo(Command command)
    {
        Option[] all =
        [
            _model, _attentionNodes, _expertNodes, _microBatches, _dtype, _kvDtype, _backend, _threads, _maxSequences, _maxStepRows, _chunkRows, _stepTarget, _kvBlocks, _noPrefixCache,
            _noWeightCache, _m2nRows, _gatherShare,
        ];
        foreach (Option option in all)
            command.Options.Add(option);
    }

    public ServeOptions Read(ParseResult parsed) => new()
    {
        Model = parsed.GetRequiredValue(_model),
        AttentionNodes = parsed.GetValue(_attentionNodes),
        ExpertNodes = parsed.GetValue(_expertNodes),
        MicroBatches = parsed.GetRequiredValue(_microBatches),
        Dtype = parsed.GetRequiredValue(_dtype),
        KvDtype = parsed.GetRequiredValue(_kvDtype),
        Backend = parsed.GetRequiredValue(_backend),
        Threads = parsed.GetValue(_threads),
        MaxSequences = parsed.GetValue(_maxSequences),
        MaxStepRows = parsed.GetValue(_maxStepRows),
        ChunkRows = Math.Min(parsed.GetValue(_chunkRows), parsed.GetResult(_chunkRows) is { Implicit: true } ? parsed.GetValue(_maxStepRows) : int.MaxValue),
        StepTargetMs = parsed.GetValue(_stepTarget),
        KvBlocks = parsed.GetValue(_kvBlocks),
        PrefixCache = !parsed.GetValue(_noPrefixCache),
        WeightCache = !parsed.GetValue(_noWeightCache),
        M2NRows = parsed.GetRequiredValue(_m2nRows),
        GatherShare = parsed.GetValue(_gatherShare),
    };

    /// <summary>What weights are packed as: of every command that starts nodes, and of <c>inspect</c>.</summary>
    internal static Option<string> Dtype() => Flag(
        "--dtype", "auto|fp32|bf16|int8|int4", "Type of the packed weights; auto: as stored, int8 and int4: quantised when loaded, 8.5 and 4.5 bits a weight.", Defaults.Dtype);

    internal static Option<T> Flag<T>(string name, string help, string description, T absent) =>
        new(name) { HelpName = help, Description = description, DefaultValueFactory = _ => absent };
}

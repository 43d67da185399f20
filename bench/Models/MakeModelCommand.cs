using System.CommandLine;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;
using Spectre.Console;

namespace MegaInfer.Bench.Models;

/// <summary><c>make-model</c>: writes a random-weight model of any shape, so that speed can be measured on shapes that nobody ships.</summary>
internal sealed class MakeModelCommand
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "A new or empty folder." };
    private readonly Option<string?> _shape = new("--shape") { Description = $"Start from a named shape: {NamedShapes.Names}. Other options change it." };
    private readonly Option<string?> _family = new("--family") { Description = $"A model_type: {ModelFamilies.Names}." };
    private readonly Option<int?> _hidden = new("--hidden") { Description = "Width of a row." };
    private readonly Option<int?> _layers = new("--layers") { Description = "Layers." };
    private readonly Option<int?> _heads = new("--heads") { Description = "Query heads." };
    private readonly Option<int?> _kvHeads = new("--kv-heads") { Description = "Key and value heads; divides the heads." };
    private readonly Option<int?> _headDim = new("--head-dim") { Description = "Width of a head; even." };
    private readonly Option<int?> _experts = new("--experts") { Description = "Experts in each layer." };
    private readonly Option<int?> _topK = new("--top-k") { Description = "Experts that each row visits." };
    private readonly Option<int?> _expertWidth = new("--expert-width") { Description = "Rows of an expert's gate and up." };
    private readonly Option<int?> _shared = new("--shared-experts") { Description = "Width of the shared expert in widths of a routed one, for families that have it. Default 1." };
    private readonly Option<int?> _groups = new("--groups") { Description = "Groups of experts, for families that have them. Default 1." };
    private readonly Option<int?> _dense = new("--dense-layers") { Description = "Layers at the start with a plain FFN, for families that have them. Default 0." };
    private readonly Option<int?> _denseWidth = new("--dense-width") { Description = "Rows of a plain FFN's gate and up." };
    private readonly Option<int?> _window = new("--window") { Description = "Sliding window, for families that have one. Default: none." };
    private readonly Option<int?> _queryRank = new("--query-rank") { Description = "Latent attention: width of the queries' latent; 0: none." };
    private readonly Option<int?> _kvRank = new("--kv-rank") { Description = "Latent attention: width of the cached latent." };
    private readonly Option<int?> _vocabulary = new("--vocabulary") { Description = "Tokens; from 259 on the folder gets a tokenizer and can be served." };
    private readonly Option<int?> _context = new("--context") { Description = "Positions of a sequence." };
    private readonly Option<string?> _type = new("--dtype") { Description = "bf16, fp16 or fp32." };
    private readonly Option<string?> _quantized = new("--quantized") { Description = "fp8 (projections) or mxfp4 (experts of gpt_oss). Default: nothing." };
    private readonly Option<bool> _tied = new("--tied-embeddings") { Description = "The output head is the embedding table." };
    private readonly Option<ulong?> _seed = new("--seed") { Description = "The same shape and seed give the same bytes. Default 1." };
    private readonly Option<double?> _shardGib = new("--shard-gib") { Description = "Start a new file before this size, GiB. Default: one file." };

    internal Command Build()
    {
        var command = new Command("make-model", "Write a random-weight model of any shape as a Hugging Face folder.")
        {
            _folder, _shape, _family, _hidden, _layers, _heads, _kvHeads, _headDim, _experts, _topK, _expertWidth, _shared, _groups,
            _dense, _denseWidth, _window, _queryRank, _kvRank, _vocabulary, _context, _type, _quantized, _tied, _seed, _shardGib,
        };
        _folder.Validators.Add(result =>
        {
            // What the parser does not know as a flag it takes for the folder.
            if (result.Tokens.FirstOrDefault(token => token.Value.StartsWith('-')) is { } flag)
                result.AddError($"'{flag.Value}' is not one of its options");
        });
        command.SetAction(parsed => Write(parsed.GetRequiredValue(_folder), Read(parsed)));
        return command;
    }

    private RandomModelOptions Read(ParseResult parsed)
    {
        RandomModelOptions start = parsed.GetValue(_shape) is { } shape ? NamedShapes.Find(shape) : new RandomModelOptions();
        return start with
        {
            Family = parsed.GetValue(_family) ?? start.Family,
            HiddenSize = parsed.GetValue(_hidden) ?? start.HiddenSize,
            LayerCount = parsed.GetValue(_layers) ?? start.LayerCount,
            HeadCount = parsed.GetValue(_heads) ?? start.HeadCount,
            KvHeadCount = parsed.GetValue(_kvHeads) ?? start.KvHeadCount,
            HeadDim = parsed.GetValue(_headDim) ?? start.HeadDim,
            ExpertCount = parsed.GetValue(_experts) ?? start.ExpertCount,
            ExpertsPerToken = parsed.GetValue(_topK) ?? start.ExpertsPerToken,
            ExpertWidth = parsed.GetValue(_expertWidth) ?? start.ExpertWidth,
            SharedExperts = parsed.GetValue(_shared) ?? start.SharedExperts,
            Groups = parsed.GetValue(_groups) ?? start.Groups,
            DenseLayers = parsed.GetValue(_dense) ?? start.DenseLayers,
            DenseWidth = parsed.GetValue(_denseWidth) ?? start.DenseWidth,
            Window = parsed.GetValue(_window) ?? start.Window,
            Latent = start.Latent with
            {
                QueryRank = parsed.GetValue(_queryRank) ?? start.Latent.QueryRank,
                KvRank = parsed.GetValue(_kvRank) ?? start.Latent.KvRank,
            },
            VocabularySize = parsed.GetValue(_vocabulary) ?? start.VocabularySize,
            ContextLength = parsed.GetValue(_context) ?? start.ContextLength,
            NumberType = parsed.GetValue(_type) is { } type ? ParseType(type) : start.NumberType,
            Quantized = parsed.GetValue(_quantized) is { } quantized ? ParseQuantized(quantized) : start.Quantized,
            HasTiedEmbeddings = parsed.GetValue(_tied) || start.HasTiedEmbeddings,
            HasTextHead = true,
            Seed = parsed.GetValue(_seed) ?? start.Seed,
            ShardBytes = parsed.GetValue(_shardGib) is { } gib ? (long)(gib * (1L << 30)) : start.ShardBytes,
        };
    }

    private static NumberType ParseType(string name) =>
        NumberTypes.FromShortName(name) is { } type && type.IsPlain() ? type : throw new MegaInferException($"'{name}' is not a type for --dtype; use bf16, fp16 or fp32.");

    private static NumberType ParseQuantized(string name) => name switch
    {
        "fp8" => NumberType.Float8E4M3,
        "mxfp4" => NumberType.MxFloat4,
        _ => throw new MegaInferException($"'{name}' is not a type for --quantized; use fp8 or mxfp4."),
    };

    private static int Write(string folder, RandomModelOptions options)
    {
        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn())
            .Start(progress =>
            {
                ProgressTask task = progress.AddTask(Markup.Escape(folder));
                RandomCheckpoint.Write(folder, options, new Progress<(long Written, long Total)>(bytes => (task.MaxValue, task.Value) = (bytes.Total, bytes.Written)));
                task.Value = task.MaxValue;
            });
        return 0;
    }
}

using System.CommandLine;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Machine;
using MegaInfer.Bench.Reports;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Tokenization;

namespace MegaInfer.Bench.Quality;

/// <summary><c>quality</c>: what weights in 8 and 4 bits cost, as the divergence from the same model in fp32 over held-out text.</summary>
internal sealed class QualityCommand
{
    private static readonly IReadOnlyList<Column<QualityRow>> Columns =
    [
        new("weights", row => row.Dtype),
        new("bits each", row => $"{row.BitsPerWeight:0.00}"),
        new("positions", row => $"{row.Positions}"),
        new("mean KL", row => $"{row.MeanKl:0.00000}"),
        new("+-", row => $"{row.MeanKlError:0.00000}"),
        new("same top", row => $"{row.SameTop:0.000}"),
        new("perplexity", row => $"{row.Perplexity:0.0000}"),
        new("fp32", row => $"{row.ExactPerplexity:0.0000}"),
    ];

    private readonly Option<string> _model = new("--model") { Description = "The checkpoint's folder.", Required = true, HelpName = "DIR" };
    private readonly Option<string> _dtype = new("--dtype") { Description = "Weight types, such as int8,int4.", DefaultValueFactory = _ => "bf16,int8,int4" };

    private readonly Option<string?> _text = new("--text")
    {
        Description = "A text file, chat marks included. Default: conversations that the embedded model was never trained on.",
        HelpName = "FILE",
    };

    private readonly ReportOptions _report = new();

    internal Command Build()
    {
        var command = new Command("quality", "How far bf16, int8 and int4 weights, and the rows rounded beside them, are from fp32: KL divergence over held-out text.") { _model, _dtype, _text };
        _report.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        string folder = parsed.GetRequiredValue(_model);
        NumberType[] types = [.. parsed.GetRequiredValue(_dtype).Split(',').Select(ParseType)];
        int[] tokens = Tokenizer.Load(folder).Encode(await ReadAsync(parsed.GetValue(_text), cancel), addSpecialTokens: false, parseSpecial: true);
        if (tokens.Length < QualityRun.ChunkTokens)
            throw new MegaInferException($"The text has {tokens.Length} tokens; at least {QualityRun.ChunkTokens} are needed.");
        var options = new LocalClusterOptions { ModelFolder = folder, MaxChunkRows = QualityRun.ChunkTokens, MaxStepRows = QualityRun.ChunkTokens, HasPrefixCache = false };
        await using var run = new QualityRun(options, types);
        var progress = new Progress<(int Chunk, int Chunks)>(at => Console.Error.Write($"\rchunk {at.Chunk} of {at.Chunks} "));
        IReadOnlyList<QualitySums> sums = await run.MeasureAsync(tokens, progress, cancel);
        Console.Error.WriteLine();
        string model = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        QualityRow[] rows = [.. sums.Select((sum, i) => Row(model, types[i], sum))];
        await _report.WriteAsync(parsed, $"quality, {model}, chunks of {QualityRun.ChunkTokens} tokens", new Report<QualityRow>(MachineInfo.Measure(threads: 1), rows), Columns);
        return 0;
    }

    private static QualityRow Row(string model, NumberType type, QualitySums sums) => new()
    {
        Engine = "megainfer",
        Model = model,
        Dtype = type.ShortName(),
        BitsPerWeight = 8 * Decode.StepFloor.PackedBytes(type),
        Positions = sums.Positions,
        MeanKl = sums.MeanKl,
        MeanKlError = sums.MeanKlError,
        SameTop = sums.SameTop,
        Perplexity = sums.Perplexity,
        ExactPerplexity = sums.ExactPerplexity,
    };

    private static NumberType ParseType(string name) => name switch
    {
        "int8" => NumberType.Int8,
        "int4" => NumberType.Int4,
        "bf16" => NumberType.BFloat16,
        _ => throw new MegaInferException($"'{name}' is not a type for --dtype; use int8, int4 or bf16, or several with commas."),
    };

    private static async Task<string> ReadAsync(string? file, CancellationToken cancel)
    {
        if (file is null)
        {
            using Stream stream = typeof(QualityCommand).Assembly.GetManifestResourceStream("held-out.txt")!;
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync(cancel);
        }

        try
        {
            return await File.ReadAllTextAsync(file, cancel);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MegaInferException($"{file} cannot be read: {error.Message}", error);
        }
    }
}

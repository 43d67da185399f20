using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Machine;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Decode;

/// <summary>What one run measures.</summary>
internal sealed record DecodePlan
{
    public required Checkpoint Checkpoint { get; init; }

    /// <summary>Of the model.</summary>
    public required string Folder { get; init; }

    public required int Threads { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Sequences of each decode row.</summary>
    public required IReadOnlyList<int> Batches { get; init; }

    /// <summary>Tokens of each prefill row.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    public required int PromptLength { get; init; }

    public required int GenerateLength { get; init; }

    /// <summary>Types and kernels.</summary>
    public required LocalClusterOptions Local { get; init; }

    /// <summary>Of the GPU that computes; null: this machine's, measured in every round.</summary>
    public MachineLimits? DeviceLimits { get; init; }

    public string ModelName => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder)));

    public int MaxSequences => Batches.Append(1).Max();

    public int MaxStepRows => Math.Max(256, MaxSequences);

    public LocalWeightTypes WeightTypes => LocalWeightTypes.Of(Checkpoint, Local.WeightType);

    public NumberType KvType => Local.KvType;

    /// <summary>What a rival's copy of the weights is stored as.</summary>
    public string RivalType => Local.WeightType switch
    {
        NumberType.Int8 => "q8_0",
        NumberType.Int4 => "q4_0",
        _ when WeightTypes.ShortName == "bf16" => "bf16",
        _ => throw new MegaInferException($"Rivals are compared in bf16, int8 and int4; this run's weights are {WeightTypes.ShortName}."),
    };

    internal LocalClusterOptions LocalOptions() => Local with
    {
        AttentionThreads = Threads,
        ExpertThreads = Threads,
        MaxSequences = MaxSequences,
        MaxStepRows = MaxStepRows,
        KvBlocks = (MaxSequences * Blocks(PromptLength + GenerateLength)) + Blocks(Prompts.Append(1).Max()),
    };

    private static int Blocks(int tokens) => BlockPool.BlocksFor(tokens) + 1;

    /// <exception cref="MegaInferException">The model has no room for it.</exception>
    internal void Check()
    {
        int longest = Prompts.Append(Batches.Count > 0 ? PromptLength + GenerateLength : 0).Max();
        if (longest >= Checkpoint.Spec.ContextLength)
            throw new MegaInferException(
                $"{longest} tokens exceed the model's context of {Checkpoint.Spec.ContextLength}; lower --prompt-len, --gen-len or --prefill.");
        if (Batches.Count + Prompts.Count == 0)
            throw new MegaInferException("Nothing to measure; give --batch or --prefill.");
    }
}

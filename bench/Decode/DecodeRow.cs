namespace MegaInfer.Bench.Decode;

/// <summary>One engine at one batch size or prompt length, measured. In JSON the names are in snake_case; what does not apply is left out.</summary>
internal sealed record DecodeRow
{
    /// <summary>megainfer, megainfer-one-process, or a rival.</summary>
    public required string Engine { get; init; }

    /// <summary>decode or prefill.</summary>
    public required string Work { get; init; }

    public required string Model { get; init; }

    public required string Dtype { get; init; }

    /// <summary>Sequences that decode; 1 for a prompt.</summary>
    public required int Batch { get; init; }

    public required double TokensPerS { get; init; }

    /// <summary>Memory and arithmetic at the same time, each at the speed measured in this run.</summary>
    public required double FloorTokensPerS { get; init; }

    /// <summary>Memory and arithmetic one after the other.</summary>
    public required double NoOverlapTokensPerS { get; init; }

    /// <summary>Measured over floor.</summary>
    public required double Ratio { get; init; }

    /// <summary>Ours over the fastest rival of this run.</summary>
    public double? RivalRatio { get; init; }

    /// <summary>Of one token of every sequence, or of the prompt.</summary>
    public required double StepMs { get; init; }

    public required double MemoryFloorMs { get; init; }

    public required double ComputeFloorMs { get; init; }

    public required double MbPerStep { get; init; }

    public required double GflopPerStep { get; init; }

    /// <summary>Distinct experts in each layer of a step that the floor counts: counted in the run, or of an even router where our nodes did not run.</summary>
    public required double ExpertsTouchedPerLayer { get; init; }

    /// <summary>What an even router would touch.</summary>
    public required double EvenExpertsPerLayer { get; init; }

    public double? RowsPerExpertGemm { get; init; }

    /// <summary>Of each prompt.</summary>
    public required int PromptLen { get; init; }

    public required int GenLen { get; init; }

    /// <summary>0: chosen by measured speed, or not ours.</summary>
    public required int MicroBatches { get; init; }

    /// <summary>As tables and charts show it: auto, a number, or nothing of a rival.</summary>
    internal string MicroBatchText => !Engine.StartsWith("megainfer", StringComparison.Ordinal) ? "" : MicroBatches == 0 ? "auto" : $"{MicroBatches}";

    /// <summary>Of each node.</summary>
    public required int Threads { get; init; }

    /// <summary>Processor time that other processes took meanwhile, in cores.</summary>
    public required double OthersShare { get; init; }

    public double? TaUs { get; init; }

    public double? TeUs { get; init; }

    /// <summary>Part of an attention node's steps that was waiting for the experts.</summary>
    public double? ExpertWaitShare { get; init; }

    /// <summary>The scheduler's part of them.</summary>
    public double? PlanShare { get; init; }

    /// <summary>The LM head's and the sampler's part of them.</summary>
    public double? HeadShare { get; init; }

    /// <summary>Managed memory that a step allocated on the attention node's loop thread, its report apart.</summary>
    public double? AllocatedBytesPerStep { get; init; }

    /// <summary>Garbage collections of the attention nodes while that was counted.</summary>
    public double? Collections { get; init; }
}
